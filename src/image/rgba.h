#pragma once

#include <array>
#include <vector>

#include "image/image.h"

// Pictures with an alpha channel, as Pillow 9.3.0 computes with them, bit for bit.

namespace sd::image {

struct RgbaImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgba;  ///< [height, width, 4]

  RgbaImage() = default;
  /// Black, and nothing of it to be seen.
  RgbaImage(int w, int h)
      : width(w), height(h), rgba(static_cast<size_t>(w) * static_cast<size_t>(h) * 4) {}
  uint8_t* at(int x, int y) {
    return &rgba[4 *
                 (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x))];
  }
  const uint8_t* at(int x, int y) const { return const_cast<RgbaImage*>(this)->at(x, y); }
};

/// The colours without the alpha.
Image colours_of(const RgbaImage& image);

/// The picture with each value times `share` / 255: colours times alpha, "RGBa".
RgbaImage premultiplied(const Image& image, const GrayImage& share);
/// "RGBa" → "RGBA": colours over alpha.
RgbaImage unpremultiplied(const RgbaImage& image);

/// Lays `over` on `*under` (alpha_composite). Of one size.
void composite(RgbaImage* under, const RgbaImage& over);

/// ImageFilter.GaussianBlur: three box filters along the rows, then three along the columns.
RgbaImage gaussian_blur(const RgbaImage& image, float radius);

}  // namespace sd::image
