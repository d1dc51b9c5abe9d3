#include "image/gray.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sd::image {
namespace {

template <class Of>
GrayImage mapped(const GrayImage& gray, const Of& of) {
  GrayImage result = gray;
  std::transform(result.values.begin(), result.values.end(), result.values.begin(), of);
  return result;
}

/// A Gaussian in 256ths whose sum is 256: what rounding leaves over goes to the next weight, from
/// the ends to the middle (OpenCV, modules/imgproc/src/smooth.dispatch.cpp,
/// getGaussianKernelFixedPoint_ED).
std::vector<int> fixed_gaussian(double sigma) {
  constexpr int kOne = 256;
  const double reach = 2.5 * sigma + 0.5;
  const int radius = static_cast<int>(reach);
  std::vector<double> exact;
  for (int i = -radius; i <= radius; ++i) exact.push_back(std::exp(-i * i / (2 * sigma * sigma)));
  const double sum = std::accumulate(exact.begin(), exact.end(), 0.0);
  std::vector<int> weights(exact.size());
  double left_over = 0;
  int used = 0;
  for (size_t i = 0; i < static_cast<size_t>(radius); ++i) {
    const double wanted = exact[i] / sum * kOne + left_over;
    const int weight = static_cast<int>(std::nearbyint(wanted));
    left_over = wanted - weight;
    weights[i] = weights[weights.size() - 1 - i] = weight;
    used += 2 * weight;
  }
  weights[static_cast<size_t>(radius)] = kOne - used;
  return weights;
}

/// The place that `i` is mirrored to, without the edge itself doubled.
int mirrored(int i, int count) {
  if (count == 1) return 0;
  const int period = 2 * (count - 1);
  i = std::abs(i) % period;
  return std::min(i, period - i);
}

/// Blurs a line of `count` values, `step` apart, in place.
void blur_line(uint8_t* values, int count, size_t step, const std::vector<int>& weights,
               std::vector<uint8_t>* line) {
  for (int i = 0; i < count; ++i)
    (*line)[static_cast<size_t>(i)] = values[static_cast<size_t>(i) * step];
  const int radius = static_cast<int>(weights.size() / 2);
  for (int i = 0; i < count; ++i) {
    int sum = 128;
    for (size_t k = 0; k < weights.size(); ++k) {
      const int from = mirrored(i + static_cast<int>(k) - radius, count);
      sum += weights[k] * (*line)[static_cast<size_t>(from)];
    }
    values[static_cast<size_t>(i) * step] = static_cast<uint8_t>(std::min(sum >> 8, 255));
  }
}

}  // namespace

GrayImage to_gray(const Image& image) {
  GrayImage gray(image.width, image.height);
  for (size_t i = 0; i < gray.values.size(); ++i) {
    const uint8_t* rgb = &image.rgb[3 * i];
    gray.values[i] =
        static_cast<uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
  }
  return gray;
}

Image to_rgb(const GrayImage& gray) {
  Image image(gray.width, gray.height);
  for (size_t i = 0; i < gray.values.size(); ++i) {
    std::fill_n(&image.rgb[3 * i], 3, gray.values[i]);
  }
  return image;
}

GrayImage inverted(const GrayImage& gray) {
  return mapped(gray, [](uint8_t value) { return static_cast<uint8_t>(255 - value); });
}

GrayImage thresholded(const GrayImage& gray, uint8_t least) {
  return mapped(
      gray, [least](uint8_t value) { return uint8_t{value >= least ? uint8_t{255} : uint8_t{0}}; });
}

GrayImage gaussian_blur(const GrayImage& gray, double sigma) {
  if (sigma <= 0) return gray;
  const std::vector<int> weights = fixed_gaussian(sigma);
  GrayImage blurred = gray;
  std::vector<uint8_t> line(static_cast<size_t>(std::max(gray.width, gray.height)));
  const auto width = static_cast<size_t>(gray.width);
  for (size_t y = 0; y < static_cast<size_t>(gray.height); ++y) {
    blur_line(&blurred.values[y * width], gray.width, 1, weights, &line);
  }
  for (size_t x = 0; x < width; ++x) {
    blur_line(&blurred.values[x], gray.height, width, weights, &line);
  }
  return blurred;
}

GrayImage resize(const GrayImage& gray, int width, int height, ResizeFilter filter) {
  const Image image = resize(to_rgb(gray), width, height, filter);
  GrayImage result(width, height);
  for (size_t i = 0; i < result.values.size(); ++i) result.values[i] = image.rgb[3 * i];
  return result;
}

}  // namespace sd::image
