#include "image/labelled_sheet.h"

#include <gtest/gtest.h>

#include "image/grid.h"
#include "image/letters.h"

namespace sd::test {
using namespace image;

namespace {

int white_values(const Image& image) {
  return static_cast<int>(std::count(image.rgb.begin(), image.rgb.end(), uint8_t{255}));
}

TEST(LabelledSheet, IsTheGridWithLabelsAboveAndBefore) {
  const std::vector<Image> images(4, Image(64, 32));
  const Image grid = make_grid(images, 2);
  EXPECT_EQ(labelled_sheet(images, 2, {}).rgb, grid.rgb);
  const Image sheet = labelled_sheet(images, 2, {.columns = {"a 1", "a 2"}, .rows = {"b", "c"}});
  EXPECT_EQ(sheet.height, grid.height + 2 * kLetterHeight);
  EXPECT_EQ(sheet.width, grid.width + 2 * kLetterWidth);
  EXPECT_GT(white_values(sheet), 0);
}

TEST(LabelledSheet, LettersStayInThePicture) {
  Image image(20, 5);
  draw_text(&image, 15, 2, "bca\xFF\x01=9");
  draw_text(&image, 0, 10, "below");
  EXPECT_GT(white_values(image), 0);
  Image one(12, 18), other(12, 18);
  draw_text(&one, 0, 0, "a");
  draw_text(&other, 0, 0, "b");
  EXPECT_NE(one.rgb, other.rgb);
}

}  // namespace
}  // namespace sd::test
