#include "image/blur.h"

#include <algorithm>
#include <cmath>

namespace sd::image {
namespace {

constexpr size_t kChannels = 3;

/// Means over 2*radius + 1 neighbours along a line of `count` pixels, `step` floats apart, in
/// place. `line` is memory for `count` floats.
void box_filter(float* pixels, int count, size_t step, int radius, std::vector<float>* line) {
  const auto at = [&](int i) -> float& { return pixels[static_cast<size_t>(i) * step]; };
  const auto before = [&](int i) {
    return (*line)[static_cast<size_t>(std::clamp(i, 0, count - 1))];
  };
  for (int i = 0; i < count; ++i) (*line)[static_cast<size_t>(i)] = at(i);
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += before(i);
  for (int i = 0; i < count; ++i) {
    at(i) = static_cast<float>(sum / (2 * radius + 1));
    sum += before(i + radius + 1) - before(i - radius);
  }
}

}  // namespace

Image blur_beyond_recognition(const Image& image) {
  const int longer = std::max(image.width, image.height);
  // Three boxes of width w have the variance (w² - 1)/4: the deviation is about the radius.
  const int radius = std::max(1, (longer + 7) / 8);
  constexpr int kPasses = 3;
  std::vector<float> pixels(image.rgb.begin(), image.rgb.end());
  std::vector<float> line(static_cast<size_t>(longer));
  for (int pass = 0; pass < kPasses; ++pass) {
    for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
      for (size_t c = 0; c < kChannels; ++c) {
        box_filter(&pixels[y * image.stride() + c], image.width, kChannels, radius, &line);
      }
    }
    for (size_t i = 0; i < image.stride(); ++i) {
      box_filter(&pixels[i], image.height, image.stride(), radius, &line);
    }
  }
  Image blurred(image.width, image.height);
  std::transform(pixels.begin(), pixels.end(), blurred.rgb.begin(), [](float value) {
    return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
  });
  return blurred;
}

}  // namespace sd::image
