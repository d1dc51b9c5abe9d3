#pragma once

#include "image/image.h"
#include "image/resize.h"

// Pictures of one channel, such as masks: each function is bit for bit what the program named at it
// gives.

namespace sd::image {

/// Pillow's convert("L") of RGB: (19595 R + 38470 G + 7471 B + 32768) / 65536.
GrayImage to_gray(const Image& image);

/// Each value three times.
Image to_rgb(const GrayImage& gray);

/// 255 - value.
GrayImage inverted(const GrayImage& gray);

/// 255 where a value is `least` or more, else 0.
GrayImage thresholded(const GrayImage& gray, uint8_t least);

/// OpenCV's GaussianBlur with a kernel of 2·int(2.5·sigma + 0.5) + 1 values, once along the rows
/// and once along the columns, mirrored at the edges (BORDER_REFLECT_101): weights in 256ths, as
/// OpenCV has them for 8 bits. Nothing is done where sigma is 0.
GrayImage gaussian_blur(const GrayImage& gray, double sigma);

/// As `resize` of a picture whose three channels are equal.
GrayImage resize(const GrayImage& gray, int width, int height, ResizeFilter filter);

}  // namespace sd::image
