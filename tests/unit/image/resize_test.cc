#include "image/resize.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/image_io.h"
#include "sd/error.h"
#include "support/golden.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

TEST(Resize, GivesPillowsBits) {
  for (const auto& row : test::expected_images("resize")) {
    const Image image = test::pattern(row["kind"], row["from"][0], row["from"][1], row["seed"]);
    const auto filter =
        row["filter"] == "lanczos" ? ResizeFilter::kLanczos : ResizeFilter::kBicubic;
    const Image out = resize(image, row["to"][0], row["to"][1], filter);
    EXPECT_EQ(test::crc_of(out), row["crc"].get<uint32_t>()) << row;
  }
}

TEST(Resize, SameSizeIsACopy) {
  const Image image = test::pattern("noise", 33, 20, 1);
  EXPECT_EQ(resize(image, 33, 20, ResizeFilter::kLanczos), image);
}

TEST(Resize, RefusesSidesThatAreNone) {
  const Image image(4, 4);
  EXPECT_THROW(resize(image, 0, 4, ResizeFilter::kLanczos), Error);
  EXPECT_THROW(resize(image, 4, -1, ResizeFilter::kLanczos), Error);
  EXPECT_THROW(resize(image, kMaxImageSide + 1, 1, ResizeFilter::kLanczos), Error);
  EXPECT_THROW(resize(Image(), 4, 4, ResizeFilter::kLanczos), Error);
}

TEST(Crop, TakesTheRectangle) {
  const Image image = test::pattern("noise", 10, 8, 3);
  const Image part = crop(image, 3, 2, 4, 5);
  ASSERT_EQ(part.width, 4);
  ASSERT_EQ(part.height, 5);
  EXPECT_TRUE(std::equal(part.at(1, 2), part.at(1, 2) + 3, image.at(4, 4)));
  EXPECT_THROW(crop(image, 7, 0, 4, 1), Error);
  EXPECT_THROW(crop(image, -1, 0, 1, 1), Error);
  EXPECT_THROW(crop(image, 0, 0, 0, 1), Error);
}

/// [1, 3, H, W] → picture
Image from_planes(const test::Golden<uint8_t>& golden) {
  Image image(static_cast<int>(golden.shape.at(3)), static_cast<int>(golden.shape.at(2)));
  const size_t plane = image.pixels();
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < 3; ++c) image.rgb[i * 3 + c] = golden.data[c * plane + i];
  }
  return image;
}

TEST(Resize, InitImagesAreTheReferences) {
  SD_NEEDS_REFERENCE();
  const auto root = test::reference_dir();
  int compared = 0;
  for (const auto& folder : std::filesystem::directory_iterator(root / "cases")) {
    std::ifstream file(folder.path() / "case.json");
    const auto about = nlohmann::json::parse(file);
    if (about["script"] != "scripts/img2img.py") continue;
    const auto& argv = about["argv"];
    const auto flag = std::find(argv.begin(), argv.end(), "--init-img");
    if (flag == argv.end()) continue;
    const auto goldens = test::load_goldens(folder.path() / "tensors.safetensors");
    if (!goldens.has("init_image_u8.000")) continue;
    const Image image = read_image(root / std::string(*(flag + 1)));
    const Image fitted =
        resize(image, image.width / 32 * 32, image.height / 32 * 32, ResizeFilter::kLanczos);
    EXPECT_TRUE(fitted == from_planes(goldens.u8("init_image_u8.000"))) << folder.path();
    ++compared;
  }
  EXPECT_GE(compared, 9);
}

}  // namespace
}  // namespace sd
