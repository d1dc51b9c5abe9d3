#include "image/resize.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sd/error.h"

namespace sd::image {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel, 2 of headroom for overshoot
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

double bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

struct Kernel {
  double (*weight)(double);
  double support;
};

Kernel kernel_of(ResizeFilter filter) {
  return filter == ResizeFilter::kLanczos ? Kernel{lanczos, 3.0} : Kernel{bicubic, 2.0};
}

/// Which inputs make one output, and how much of each.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;  // fixed point, 1 << kPrecisionBits is one
};

int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kPrecisionBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/// The taps of each of `out` samples over `in` samples. The order of every floating-point operation
/// counts here: results are compared bit for bit.
std::vector<Taps> make_taps(int in, int out, const Kernel& kernel) {
  const double scale = static_cast<double>(in) / out;
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  const double shrink = 1.0 / stretch;
  std::vector<Taps> all(static_cast<size_t>(out));
  std::vector<double> weights;
  for (int i = 0; i < out; ++i) {
    const double center = (i + 0.5) * scale;
    const double begin = center - support + 0.5, end = center + support + 0.5;
    const int first = std::max(static_cast<int>(begin), 0);
    const int last = std::min(static_cast<int>(end), in);
    double sum = 0.0;
    weights.clear();
    for (int k = 0; k < last - first; ++k) {
      weights.push_back(kernel.weight((k + first - center + 0.5) * shrink));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (const double weight : weights) taps.weights.push_back(to_fixed(weight / sum));
  }
  return all;
}

uint8_t to_pixel(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

/// [h, w, 3] → [h, width, 3]
Image resize_rows(const Image& image, int width, const Kernel& kernel) {
  Image out(width, image.height);
  const std::vector<Taps> all = make_taps(image.width, width, kernel);
  for (int y = 0; y < image.height; ++y) {
    uint8_t* to = out.row(y);
    for (const Taps& taps : all) {
      const uint8_t* from = image.at(taps.first, y);
      int32_t r = kHalf, g = kHalf, b = kHalf;
      for (const int32_t weight : taps.weights) {
        r += from[0] * weight;
        g += from[1] * weight;
        b += from[2] * weight;
        from += 3;
      }
      *to++ = to_pixel(r);
      *to++ = to_pixel(g);
      *to++ = to_pixel(b);
    }
  }
  return out;
}

/// [h, w, 3] → [height, w, 3]
Image resize_columns(const Image& image, int height, const Kernel& kernel) {
  Image out(image.width, height);
  const std::vector<Taps> all = make_taps(image.height, height, kernel);
  std::vector<int32_t> sums(image.stride());
  for (int y = 0; y < height; ++y) {
    const Taps& taps = all[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const uint8_t* from = image.row(taps.first + static_cast<int>(k));
      const int32_t weight = taps.weights[k];
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += from[i] * weight;
    }
    std::transform(sums.begin(), sums.end(), out.row(y), to_pixel);
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int width, int height, ResizeFilter filter) {
  const auto fits = [](int side) { return side >= 1 && side <= kMaxImageSide; };
  if (!fits(width) || !fits(height) || image.empty()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("a picture of {}x{} pixels cannot be resized to {}x{}: each side is "
                            "from 1 to {} pixels",
                            image.width, image.height, width, height, kMaxImageSide));
  }
  const Kernel kernel = kernel_of(filter);
  if (width == image.width && height == image.height) return image;
  if (height == image.height) return resize_rows(image, width, kernel);
  if (width == image.width) return resize_columns(image, height, kernel);
  return resize_columns(resize_rows(image, width, kernel), height, kernel);
}

Image crop(const Image& image, int x, int y, int width, int height) {
  const bool inside = x >= 0 && y >= 0 && width >= 1 && height >= 1 && width <= image.width &&
                      height <= image.height && x <= image.width - width &&
                      y <= image.height - height;
  if (!inside) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("the rectangle {}x{} at ({}, {}) does not lie within a picture of {}x{}", width,
                    height, x, y, image.width, image.height));
  }
  Image out(width, height);
  for (int row = 0; row < height; ++row) {
    std::copy_n(image.at(x, y + row), out.stride(), out.row(row));
  }
  return out;
}

}  // namespace sd::image
