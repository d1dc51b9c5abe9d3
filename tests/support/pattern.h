#pragma once

#include <cstdint>
#include <string>

#include "image/image.h"

namespace sd::test {

/// splitmix64 of seed and index: the upper byte.
inline uint8_t hashed(uint64_t index, uint64_t seed) {
  uint64_t z = index + seed * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return static_cast<uint8_t>((z ^ (z >> 31)) >> 56);
}

/// "noise", "saturated" (0 and 255 only), "smooth" (waves) or "flat": the same as pattern() in
/// tests/data/image/make_fixtures.py.
inline Image pattern(const std::string& kind, int width, int height, int seed) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const uint8_t noise =
            hashed(static_cast<uint64_t>((y * width + x) * 3 + c), static_cast<uint64_t>(seed));
        const int wave = (x * (c + 1) + y * (3 - c) + seed * 37) % 512;
        int value = noise;
        if (kind == "saturated") value = (noise & 1) * 255;
        if (kind == "smooth") value = wave < 256 ? wave : 511 - wave;
        if (kind == "flat") value = (seed * 53 + c * 91) % 256;
        image.at(x, y)[c] = static_cast<uint8_t>(value);
      }
    }
  }
  return image;
}

}  // namespace sd::test
