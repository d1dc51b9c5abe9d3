#include "image/rgba.h"

#include <algorithm>
#include <cmath>

namespace sd::image {
namespace {

constexpr size_t kChannels = 4;

/// value · share / 255, rounded (Pillow's MULDIV255).
uint8_t part_of(uint8_t value, uint8_t share) {
  const uint32_t product = uint32_t{value} * share + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

/// A box filter whose radius is no whole number: the values at its ends count less.
struct Box {
  int radius;
  uint32_t weight;  ///< in 2^24ths
  uint32_t at_ends;
};

Box box_of(float radius) {
  constexpr uint32_t kOne = 1U << 24;
  const int whole = static_cast<int>(radius);
  const auto weight = static_cast<uint32_t>(static_cast<float>(kOne) / (radius * 2 + 1));
  return {whole, weight, (kOne - static_cast<uint32_t>(whole * 2 + 1) * weight) / 2};
}

/// The radius of three boxes that come near a Gaussian of that deviation (Gwosdek et al. 2011).
float box_radius(float deviation) {
  constexpr int kPasses = 3;
  const float variance = deviation * deviation / kPasses;
  const auto length = static_cast<float>(std::sqrt(12.0 * static_cast<double>(variance) + 1.0));
  const auto whole = static_cast<float>(std::floor((static_cast<double>(length) - 1.0) / 2.0));
  float rest = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  rest /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + rest;
}

/// Filters a line of `count` values, `step` apart, in place; beyond its ends it goes on with their
/// values. `line`: memory for `count` values.
void filter_line(uint8_t* values, int count, size_t step, const Box& box,
                 std::vector<uint8_t>* line) {
  for (int i = 0; i < count; ++i) {
    (*line)[static_cast<size_t>(i)] = values[static_cast<size_t>(i) * step];
  }
  const auto before = [&](int i) {
    return uint32_t{(*line)[static_cast<size_t>(std::clamp(i, 0, count - 1))]};
  };
  uint32_t sum = 0;
  for (int i = -box.radius - 1; i < box.radius; ++i) sum += before(i);
  for (int i = 0; i < count; ++i) {
    sum += before(i + box.radius) - before(i - box.radius - 1);
    const uint32_t ends = before(i - box.radius - 1) + before(i + box.radius + 1);
    values[static_cast<size_t>(i) * step] =
        static_cast<uint8_t>((sum * box.weight + ends * box.at_ends + (1U << 23)) >> 24);
  }
}

/// One pixel laid on another.
void lay(uint8_t* under, const uint8_t* over) {
  constexpr int kBits = 7;
  if (over[3] == 0) return;
  const auto over_255 = [](uint32_t a) { return ((a >> 8) + a) >> 8; };
  const uint32_t alpha = over[3] * 255U + under[3] * (255U - over[3]);
  const uint32_t of_over = over[3] * 255U * 255U * (1U << kBits) / alpha;
  const uint32_t of_under = 255U * (1U << kBits) - of_over;
  for (size_t c = 0; c < 3; ++c) {
    const uint32_t sum = over[c] * of_over + under[c] * of_under;
    under[c] = static_cast<uint8_t>(over_255(sum + (0x80U << kBits)) >> kBits);
  }
  under[3] = static_cast<uint8_t>(over_255(alpha + 0x80));
}

}  // namespace

Image colours_of(const RgbaImage& image) {
  Image colours(image.width, image.height);
  for (size_t i = 0; i < colours.pixels(); ++i) {
    std::copy_n(&image.rgba[kChannels * i], 3, &colours.rgb[3 * i]);
  }
  return colours;
}

RgbaImage premultiplied(const Image& image, const GrayImage& share) {
  RgbaImage result(image.width, image.height);
  for (size_t i = 0; i < image.pixels(); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      result.rgba[kChannels * i + c] = part_of(image.rgb[3 * i + c], share.values[i]);
    }
    result.rgba[kChannels * i + 3] = share.values[i];
  }
  return result;
}

RgbaImage unpremultiplied(const RgbaImage& image) {
  RgbaImage result = image;
  for (size_t i = 0; i < result.rgba.size(); i += kChannels) {
    const uint8_t alpha = result.rgba[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (size_t c = 0; c < 3; ++c) {
      result.rgba[i + c] = static_cast<uint8_t>(std::min(255, 255 * result.rgba[i + c] / alpha));
    }
  }
  return result;
}

void composite(RgbaImage* under, const RgbaImage& over) {
  for (size_t i = 0; i < over.rgba.size(); i += kChannels) lay(&under->rgba[i], &over.rgba[i]);
}

RgbaImage gaussian_blur(const RgbaImage& image, float radius) {
  constexpr int kPasses = 3;
  if (radius == 0) return image;
  const Box box = box_of(box_radius(radius));
  RgbaImage blurred = image;
  std::vector<uint8_t> line(static_cast<size_t>(std::max(image.width, image.height)));
  const size_t stride = kChannels * static_cast<size_t>(image.width);
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    for (size_t c = 0; c < kChannels; ++c) {
      for (int pass = 0; pass < kPasses; ++pass) {
        filter_line(&blurred.rgba[y * stride + c], image.width, kChannels, box, &line);
      }
    }
  }
  for (size_t i = 0; i < stride; ++i) {
    for (int pass = 0; pass < kPasses; ++pass) {
      filter_line(&blurred.rgba[i], image.height, stride, box, &line);
    }
  }
  return blurred;
}

}  // namespace sd::image
