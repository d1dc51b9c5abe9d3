#include "image/masking.h"

#include <algorithm>

namespace sd::image {
namespace {

/// The size of a picture that covers, or with `inside` fits into, a rectangle.
Region placed(const Image& image, bool inside, int width, int height) {
  const double ratio = static_cast<double>(width) / height;
  const double own = static_cast<double>(image.width) / image.height;
  const auto scaled = [](int side, int of, int by) {
    return static_cast<int>(static_cast<int64_t>(side) * of / by);
  };
  const bool by_width = inside ? ratio < own : ratio > own;
  const bool by_height = inside ? ratio >= own : ratio <= own;
  const int w = std::max(1, by_width ? width : scaled(image.width, height, image.height));
  const int h = std::max(1, by_height ? height : scaled(image.height, width, image.width));
  return {width / 2 - w / 2, height / 2 - h / 2, w, h};
}

/// Copies a picture into another, as far as it lies there.
void put(const Image& image, int x, int y, Image* into) {
  const int first = std::max(0, -x), last = std::min(image.width, into->width - x);
  if (last <= first) return;
  for (int row = std::max(0, -y); row < std::min(image.height, into->height - y); ++row) {
    std::copy_n(image.at(first, row), 3 * static_cast<size_t>(last - first),
                into->at(x + first, y + row));
  }
}

/// What Pillow's resize makes of a box without height at an edge: 9/8 of the edge's value less 1/8
/// of that beside it.
uint8_t beyond(uint8_t edge, uint8_t next) {
  return static_cast<uint8_t>(std::clamp((9 * edge - next + 4) >> 3, 0, 255));
}

/// Fills rows [begin, end) with what lies beyond the row `edge`.
void stretch_rows(Image* image, int begin, int end, int edge, int next) {
  for (int y = begin; y < end; ++y) {
    for (size_t i = 0; i < image->stride(); ++i) {
      image->row(y)[i] = beyond(image->row(edge)[i], image->row(next)[i]);
    }
  }
}

void stretch_columns(Image* image, int begin, int end, int edge, int next) {
  for (int y = 0; y < image->height; ++y) {
    for (int x = begin; x < end; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        image->at(x, y)[c] = beyond(image->at(edge, y)[c], image->at(next, y)[c]);
      }
    }
  }
}

/// Grows the region's height to `wanted` about its middle, within [0, most).
void grow(double wanted, int most, int* begin, int* end) {
  const int more = static_cast<int>(wanted - (*end - *begin));
  *begin -= more / 2;
  *end += more - more / 2;
  if (*end >= most) {
    *begin -= *end - most;
    *end = most;
  }
  if (*begin < 0) {
    *end -= *begin;
    *begin = 0;
  }
  *end = std::min(*end, most);
}

}  // namespace

Image fit_image(const Image& image, FitMode mode, int width, int height) {
  if (mode == FitMode::kStretch) return resize(image, width, height, ResizeFilter::kLanczos);
  const bool inside = mode == FitMode::kPad;
  const Region at = placed(image, inside, width, height);
  const Image scaled = resize(image, at.width, at.height, ResizeFilter::kLanczos);
  Image result(width, height);
  put(scaled, at.x, at.y, &result);
  if (!inside) return result;
  const int right = at.x + at.width, bottom = at.y + at.height;
  const int next_x = std::min(1, at.width - 1), next_y = std::min(1, at.height - 1);
  stretch_rows(&result, 0, at.y, at.y, at.y + next_y);
  stretch_rows(&result, bottom, height, bottom - 1, bottom - 1 - next_y);
  stretch_columns(&result, 0, at.x, at.x, at.x + next_x);
  stretch_columns(&result, right, width, right - 1, right - 1 - next_x);
  return result;
}

GrayImage fit_mask(const GrayImage& mask, FitMode mode, int width, int height) {
  return to_gray(fit_image(to_rgb(mask), mode, width, height));
}

std::optional<Region> region_of(const GrayImage& mask, int padding, int width, int height) {
  int left = mask.width, top = mask.height, right = 0, bottom = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.at(x, y) == 0) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = std::max(bottom, y + 1);
    }
  }
  if (right == 0) return std::nullopt;
  left = std::max(left - padding, 0);
  top = std::max(top - padding, 0);
  right = std::min(right + padding, mask.width);
  bottom = std::min(bottom + padding, mask.height);
  const double ratio = static_cast<double>(width) / height;
  if (static_cast<double>(right - left) / (bottom - top) > ratio) {
    grow((right - left) / ratio, mask.height, &top, &bottom);
  } else {
    grow((bottom - top) * ratio, mask.width, &left, &right);
  }
  return Region{left, top, right - left, bottom - top};
}

GrayImage crop(const GrayImage& mask, const Region& region) {
  GrayImage result(region.width, region.height);
  for (int y = 0; y < region.height; ++y) {
    for (int x = 0; x < region.width; ++x) {
      result.at(x, y) = mask.at(region.x + x, region.y + y);
    }
  }
  return result;
}

Image fill_masked(const Image& image, const GrayImage& mask) {
  struct Layer {
    float radius;
    int times;
  };
  constexpr Layer kLayers[] = {{256, 1}, {64, 1}, {16, 2}, {4, 4}, {2, 2}, {0, 1}};
  const RgbaImage kept = premultiplied(image, inverted(mask));
  RgbaImage filled(image.width, image.height);
  for (const Layer& layer : kLayers) {
    const RgbaImage blurred = unpremultiplied(gaussian_blur(kept, layer.radius));
    for (int i = 0; i < layer.times; ++i) composite(&filled, blurred);
  }
  return colours_of(filled);
}

Image paste_kept(const Image& drawn, const Image& original, const GrayImage& mask,
                 const Region& region) {
  const Image fitted = fit_image(drawn, FitMode::kCrop, region.width, region.height);
  RgbaImage result(original.width, original.height);
  for (int y = 0; y < region.height; ++y) {
    for (int x = 0; x < region.width; ++x) {
      std::copy_n(fitted.at(x, y), 3, result.at(region.x + x, region.y + y));
      result.at(region.x + x, region.y + y)[3] = 255;
    }
  }
  composite(&result, unpremultiplied(premultiplied(original, inverted(mask))));
  return colours_of(result);
}

}  // namespace sd::image
