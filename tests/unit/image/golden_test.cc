#include "support/golden.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sd::test {
namespace {

TEST(Golden, HalvesAreWidenedExactly) {
  EXPECT_EQ(half_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_to_float(0xC000), -2.0F);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24F);  // the smallest subnormal
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_TRUE(std::isinf(half_to_float(0x7C00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7E00)));
}

TEST(Golden, ReadsTheReferencesTensors) {
  SD_NEEDS_REFERENCE();
  const GoldenTensors tensors =
      load_goldens(reference_dir() / "cases/i01-s0.3/tensors.safetensors");
  const auto init = tensors.u8("init_image_u8.000");
  ASSERT_GE(init.shape.size(), 3U);
  EXPECT_GT(init.data.size(), 0U);
  const auto latent = tensors.f32("init_latent.000");
  EXPECT_TRUE(std::isfinite(latent.data.at(0)));
  EXPECT_THROW(tensors.f32("absent"), std::runtime_error);
  EXPECT_THROW(tensors.u8("init_latent.000"), std::runtime_error);
}

}  // namespace
}  // namespace sd::test
