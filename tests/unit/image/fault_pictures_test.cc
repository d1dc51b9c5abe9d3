// Pictures that Pillow opens, out of other programs and cameras; they are beside the source folder.
#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/exif.h"
#include "image/image_io.h"
#include "support/golden.h"

namespace sd {
using namespace image;

namespace {

struct Expected {
  const char* file;
  int width, height;
  std::vector<std::pair<int, std::vector<uint8_t>>> pixels;  // (x, x) and its RGB
};

TEST(FaultPictures, AreReadAsPillowReadsThem) {
  const std::filesystem::path folder = test::reference_dir().parent_path() / "faults/pictures";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const std::vector<Expected> table = {
      {"idat-crc.png", 128, 128, {{0, {0, 0, 0}}, {7, {14, 21, 14}}, {40, {80, 120, 80}}}},
      {"text-after-pixels-crc.png",
       128,
       128,
       {{0, {0, 0, 0}}, {7, {14, 21, 14}}, {40, {80, 120, 80}}}},
      {"codes-of-9-bits.gif",
       128,
       128,
       {{0, {248, 194, 190}}, {7, {11, 85, 59}}, {40, {39, 55, 11}}}},
      {"one-bit.tga", 128, 128, {{0, {0, 0, 0}}, {40, {255, 255, 255}}}},
      {"lies-on-its-side.jpg", 256, 192, {}},
  };
  for (const Expected& row : table) {
    SCOPED_TRACE(row.file);
    const Image image = read_image(folder / row.file);
    ASSERT_EQ(image.width, row.width);
    ASSERT_EQ(image.height, row.height);
    for (const auto& [at, rgb] : row.pixels) {
      EXPECT_EQ(std::vector<uint8_t>(image.at(at, at), image.at(at, at) + 3), rgb) << at;
    }
  }
  EXPECT_EQ(exif_orientation(test::file_bytes(folder / "lies-on-its-side.jpg")), 6);
}

}  // namespace
}  // namespace sd
