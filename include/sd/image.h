#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sd {

/// The most that this program reads, resizes to and writes; more is refused before memory is
/// allocated. Above the count Pillow also calls a file a decompression bomb.
inline constexpr int kMaxImageSide = 65535;
inline constexpr size_t kMaxImagePixels = 178'956'970;

/// A picture of 8-bit RGB, rows from the top, three interleaved bytes per pixel, no padding.
/// `rgb.size() == height * width * 3` always; a picture of no pixels is `empty()`.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]

  Image() = default;
  /// A black picture.
  Image(int w, int h)
      : width(w), height(h), rgb(static_cast<size_t>(w) * static_cast<size_t>(h) * 3) {}

  bool empty() const { return rgb.empty(); }
  /// Bytes from one row to the next.
  size_t stride() const { return static_cast<size_t>(width) * 3; }
  size_t pixels() const { return static_cast<size_t>(width) * static_cast<size_t>(height); }

  uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * stride(); }
  const uint8_t* row(int y) const { return rgb.data() + static_cast<size_t>(y) * stride(); }
  uint8_t* at(int x, int y) { return row(y) + static_cast<size_t>(x) * 3; }
  const uint8_t* at(int x, int y) const { return row(y) + static_cast<size_t>(x) * 3; }

  bool operator==(const Image&) const = default;
};

/// A picture of one channel of 8 bits, such as a mask, rows from the top.
/// `values.size() == height * width` always.
struct GrayImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> values;  // [height, width]

  GrayImage() = default;
  /// Zeros.
  GrayImage(int w, int h)
      : width(w), height(h), values(static_cast<size_t>(w) * static_cast<size_t>(h)) {}

  bool empty() const { return values.empty(); }
  uint8_t& at(int x, int y) {
    return values[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  uint8_t at(int x, int y) const { return const_cast<GrayImage*>(this)->at(x, y); }

  bool operator==(const GrayImage&) const = default;
};

/// A rectangle of a picture, in pixels.
struct Region {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  bool operator==(const Region&) const = default;
};

}  // namespace sd
