// A fixed code is noise that batches share: pictures then draw from one stream, whatever the
// sampler.

#include <gtest/gtest.h>

#include "job/batch_plan.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace job;

namespace {

NoisePlace noise_of(const Settings& settings) {
  return plan_batches(settings, ModelDescription(), /*built_in_model=*/false)
      .batches.front()
      .request.noise;
}

TEST(FixedCode, SharesAStreamWithEverySamplerThatCan) {
  Settings settings;
  settings.batch.sampler = "euler";
  EXPECT_FALSE(noise_of(settings).shared());
  settings.fixed_code = true;
  EXPECT_TRUE(noise_of(settings).shared());
  EXPECT_TRUE(noise_of(settings).fixed_code);
}

TEST(FixedCode, IsRefusedWhereEachPictureMustHaveItsOwn) {
  Settings settings;
  settings.fixed_code = true;
  settings.batch.sampler = "dpmpp_sde";
  expect_error(ErrorKind::kUsage, "the sampler dpmpp_sde cannot share a random stream",
               [&] { noise_of(settings); });
  settings.batch.sampler = "euler";
  settings.seed_mode = SeedMode::kImage;
  expect_error(ErrorKind::kUsage, "`fixed_code` does not go with `seed_mode` image",
               [&] { noise_of(settings); });
}

}  // namespace
}  // namespace sd::test
