#include "image/grid.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/image_io.h"
#include "image/resize.h"
#include "image/watermark.h"
#include "sd/error.h"
#include "support/golden.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

TEST(Grid, OnePictureHasNoBorder) {
  const Image image = test::pattern("noise", 8, 6, 1);
  EXPECT_EQ(make_grid({image}, 3), image);
}

TEST(Grid, PlacesPicturesRowByRow) {
  const std::vector<Image> images = {test::pattern("noise", 8, 6, 1),
                                     test::pattern("noise", 8, 6, 2),
                                     test::pattern("noise", 8, 6, 3)};
  const Image sheet = make_grid(images, 2);
  ASSERT_EQ(sheet.width, 2 * 10 + 2);
  ASSERT_EQ(sheet.height, 2 * 8 + 2);
  const auto same = [&](int x, int y, const Image& image) {
    return std::equal(image.at(7, 5), image.at(7, 5) + 3, sheet.at(x + 7, y + 5));
  };
  EXPECT_TRUE(same(2, 2, images[0]));
  EXPECT_TRUE(same(12, 2, images[1]));
  EXPECT_TRUE(same(2, 10, images[2]));
  EXPECT_EQ(sheet.at(15, 12)[0] + sheet.at(1, 1)[1] + sheet.at(10, 3)[2], 0);  // empty and padding
}

TEST(Grid, PagesHoldWholeRows) {
  EXPECT_EQ(pictures_on_a_page(6, 512, 512, 3), 6);
  EXPECT_EQ(pictures_on_a_page(256, 512, 512, 3), 255);
  EXPECT_EQ(pictures_on_a_page(2000, 64, 64, 3), 255);
  EXPECT_EQ(pictures_on_a_page(1008, 64, 64, 1), 256);
  EXPECT_EQ(pictures_on_a_page(1000, 16, 16, 600), 600);      // one row, and it has more
  EXPECT_EQ(pictures_on_a_page(100'000, 4096, 4096, 2), 10);  // of 178,956,970 pixels at most
  EXPECT_EQ(pictures_on_a_page(1, 16384, 16384, 3), 1);
  EXPECT_EQ(pictures_on_a_page(2, 512, 512, 1024), 2);          // two are a row of two
  EXPECT_THROW(pictures_on_a_page(128, 512, 512, 128), Error);  // 65,794 pixels wide
  EXPECT_THROW(pictures_on_a_page(3, 16384, 16384, 1), Error);
}

TEST(Grid, FewerPicturesThanARowMakeItNarrower) {
  const std::vector<Image> images(2, test::pattern("flat", 8, 6, 1));
  EXPECT_EQ(make_grid(images, 5).width, 2 * 10 + 2);
}

TEST(Grid, GivesEveryPictureThePlaceOfTheLargest) {
  const Image wide = test::pattern("noise", 8, 6, 1);
  const Image tall = test::pattern("noise", 5, 9, 2);
  const Image sheet = make_grid({wide, tall}, 2);
  EXPECT_EQ(sheet.width, 2 * 10 + 2);
  EXPECT_EQ(sheet.height, 11 + 2);
  EXPECT_EQ(crop(sheet, 2, 2, 8, 6), wide);
  EXPECT_EQ(crop(sheet, 12, 2, 5, 9), tall);
  EXPECT_EQ(crop(sheet, 2, 8, 8, 5), Image(8, 5));
}

TEST(Grid, RefusesWhatCannotBeLaid) {
  EXPECT_THROW(make_grid({}, 2), Error);
  EXPECT_THROW(make_grid({Image(8, 6)}, 0), Error);
  EXPECT_THROW(make_grid(std::vector<Image>(2, Image(40000, 1)), 2), Error);
}

/// The reference's grids from its own samples, where those carry no watermark yet. It marks a grid
/// that is large enough.
TEST(Grid, IsTheReferences) {
  SD_NEEDS_REFERENCE();
  for (const char* id : {"t02-ddim20-eta0-iter2", "t10-fromfile4-rows3-plms5",
                         "t28-rngcpu-plms5-iter2", "t06-plms5-s1-64x128-iter2"}) {
    const auto out = test::reference_dir() / "cases" / id / "out";
    std::vector<std::filesystem::path> names;
    for (const auto& entry : std::filesystem::directory_iterator(out / "samples")) {
      names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    std::vector<Image> images;
    for (const auto& name : names) images.push_back(read_image(name));
    const Image expected = read_image(out / "grid-0000.png");
    Image grid = make_grid(images, (expected.width - 2) / (images.front().width + 2));
    embed_watermark(grid, kReferenceWatermark);
    EXPECT_TRUE(grid == expected) << id;
  }
}

}  // namespace
}  // namespace sd
