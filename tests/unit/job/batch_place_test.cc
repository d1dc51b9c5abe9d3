#include "job/foreign/batch_place.h"

#include <gtest/gtest.h>

#include "job/foreign/foreign_replay.h"

namespace sd::test {
using namespace job;

namespace {

TEST(BatchPlace, NoiseOfTheEncoderIsOfTheLastPicturesSeed) {
  DrawRecord alone;
  alone.seed = 100;
  alone.variation_seed = 7;
  const DrawRecord draw = at_place(alone, {.batch = 4, .before = 1}, /*varies=*/false);
  EXPECT_EQ(draw.seed, 100U);
  EXPECT_EQ(draw.row, 1);
  EXPECT_EQ(draw.batch, 2);
  EXPECT_EQ(draw.second_seed, 102U);
  EXPECT_EQ(draw.variation_seed, 7U);
  EXPECT_EQ(at_place(alone, {.batch = 4, .before = 1}, /*varies=*/true).second_seed, 100U);
}

TEST(BatchPlace, AreAllOfSmallBatchesOnce) {
  EXPECT_EQ(batch_places().size(), 2U + 3U + 4U);
  for (const BatchPlace& place : batch_places()) EXPECT_LT(place.before, place.batch);
}

/// Early web UIs wrote it.
TEST(BatchPlace, IsTakenFromATextThatStatesIt) {
  const auto draw_of = [](const std::string& more) {
    const InfoText text = parse_infotext(
        "a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Denoising strength: "
        "0.5, "
        "Hires upscale: 2" +
        more);
    ForeignRecord record;
    record.infotext = text;
    return foreign_picture(record, 64, 64).record.draw;
  };
  const DrawRecord second = draw_of(", Hires upscaler: Lanczos, Batch size: 3, Batch pos: 1");
  EXPECT_EQ(second.row, 1);
  EXPECT_EQ(second.second_seed, 6U);
  for (const char* more :
       {", Hires upscaler: Latent, Batch size: 3, Batch pos: 1", ", Hires upscaler: Lanczos",
        ", Hires upscaler: Lanczos, Batch size: 3, Batch pos: 3"}) {
    EXPECT_EQ(draw_of(more).batch, 1) << more;
  }
}

}  // namespace
}  // namespace sd::test
