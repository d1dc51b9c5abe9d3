#include "image/blur.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

/// Waves from black to white, `count` across the picture.
Image waves(int width, int height, int count, bool upright) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double at = upright ? (x + 0.5) / width : (y + 0.5) / height;
      const double value = 127.5 + 127.5 * std::sin(2 * std::numbers::pi * count * at);
      std::fill_n(image.at(x, y), 3, static_cast<uint8_t>(std::lround(value)));
    }
  }
  return image;
}

/// The largest less the smallest value in the middle quarter, which the edges do not reach.
int middle_range(const Image& image) {
  int least = 255;
  int most = 0;
  for (int y = image.height * 3 / 8; y < image.height * 5 / 8; ++y) {
    for (int x = image.width * 3 / 8; x < image.width * 5 / 8; ++x) {
      least = std::min(least, int{image.at(x, y)[0]});
      most = std::max(most, int{image.at(x, y)[0]});
    }
  }
  return most - least;
}

/// The largest difference between neighbours along a row or a column.
int steepest(const Image& image) {
  int most = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int here = image.at(x, y)[c];
        if (x > 0) most = std::max(most, std::abs(here - image.at(x - 1, y)[c]));
        if (y > 0) most = std::max(most, std::abs(here - image.at(x, y - 1)[c]));
      }
    }
  }
  return most;
}

TEST(Blur, TakesAwayWhateverIsFinerThanSixthsOfThePicture) {
  for (const int side : {64, 256}) {
    for (const bool upright : {false, true}) {
      for (int count = 6; count <= side / 2; count += 7) {
        EXPECT_LE(middle_range(blur_beyond_recognition(waves(side, side, count, upright))), 4)
            << side << " pixels, " << count << " waves";
      }
    }
  }
}

TEST(Blur, LeavesNoEdgeInAnyPicture) {
  for (const auto& [width, height] : {std::pair(256, 256), {256, 96}, {97, 255}}) {
    for (const char* kind : {"noise", "saturated", "smooth"}) {
      const Image image = pattern(kind, width, height, 3);
      ASSERT_GT(steepest(image), 2);
      EXPECT_LE(steepest(blur_beyond_recognition(image)), 4) << kind;
    }
    EXPECT_LE(steepest(blur_beyond_recognition(waves(width, height, 1, true))), 4);
  }
}

TEST(Blur, KeepsSizeAndColour) {
  const Image flat = pattern("flat", 40, 23, 5);
  EXPECT_EQ(blur_beyond_recognition(flat), flat);
  const Image noise = pattern("noise", 200, 100, 1);
  const Image blurred = blur_beyond_recognition(noise);
  EXPECT_EQ(blurred.width, 200);
  EXPECT_EQ(blurred.height, 100);
  const auto mean = [](const Image& image) {
    return std::accumulate(image.rgb.begin(), image.rgb.end(), 0.0) /
           static_cast<double>(image.rgb.size());
  };
  EXPECT_NEAR(mean(blurred), mean(noise), 4);
}

TEST(Blur, TakesPicturesOfAnySize) {
  for (const auto& [width, height] : {std::pair(1, 1), {2, 1}, {1, 300}, {3, 5}}) {
    const Image blurred = blur_beyond_recognition(pattern("noise", width, height, 2));
    EXPECT_EQ(blurred.rgb.size(), static_cast<size_t>(width * height * 3));
  }
  EXPECT_TRUE(blur_beyond_recognition(Image()).empty());
}

}  // namespace
}  // namespace sd::test
