#pragma once

#include "image/image.h"

namespace sd::image {

enum class ResizeFilter {
  kBicubic,  ///< cubic convolution, a = -0.5, support 2
  kLanczos,  ///< windowed sinc, support 3
};

/// The picture at `width` x `height` pixels, bit for bit what Pillow 9.3.0's Image.resize gives for
/// RGB: antialiased when shrinking, taps in 22-bit fixed point, the horizontal pass first, its
/// result rounded to 8 bits before the vertical pass, a side that does not change left out.
/// Throws Error(kUsage) when a side is below 1 or above kMaxImageSide, or the picture is empty.
Image resize(const Image& image, int width, int height, ResizeFilter filter);

/// The rectangle with its top left pixel at (x, y).
/// Throws Error(kUsage) unless it has pixels and lies within the picture.
Image crop(const Image& image, int x, int y, int width, int height);

}  // namespace sd::image
