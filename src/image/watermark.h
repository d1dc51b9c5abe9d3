#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

namespace sd::image {

/// The invisible watermark of the reference: method "dwtDct" of the package invisible-watermark
/// 0.2.0, bit for bit. In spite of its name no cosine transform is made: each bit goes into the
/// largest coefficient of a 4x4 block of the Haar approximation of the U plane.

/// Smaller pictures than 256 * 256 pixels carry no watermark.
inline constexpr size_t kMinWatermarkPixels = 65536;

/// What the reference writes into its pictures.
inline constexpr std::string_view kReferenceWatermark = "StableDiffusionV1";

/// How many bits the picture carries once; a longer message loses its end, a shorter one is
/// repeated. 0 for a picture that is too small.
size_t watermark_capacity(const Image& image);

/// Writes `message` into the picture: the bits of its bytes, highest first, again and again.
/// Returns false, and leaves the picture alone, when it is below kMinWatermarkPixels.
/// Throws Error(kUsage) when the message is empty.
bool embed_watermark(Image& image, std::string_view message);

/// The longest message that is read back; no picture carries more.
inline constexpr size_t kMaxWatermarkBytes = kMaxImagePixels / 64 / 8;

struct WatermarkReading {
  std::string bytes;  ///< what the majority of blocks says, bit by bit
  std::vector<double>
      scores;  ///< [8 * bytes] share of a bit's blocks that read 1; 0 without blocks
};

/// Reads a message of `length` bytes back. It always reads something: whether it means anything is
/// what watermark_match tells. Even an untouched picture of ours can have wrong bits, since the
/// method disturbs its own blocks.
/// Throws Error(kFile) below kMinWatermarkPixels, Error(kUsage) when `length` is 0 or above
/// kMaxWatermarkBytes.
WatermarkReading decode_watermark(const Image& image, size_t length);

struct WatermarkMatch {
  int matching = 0;     ///< bits read that equal the expected ones
  int bits = 0;         ///< bits expected
  double chance = 1.0;  ///< P(at least `matching` of `bits` fair coin throws agree)
};

/// How well the reading agrees with the message that is expected. Bits beyond the end of either
/// count as wrong.
WatermarkMatch watermark_match(const WatermarkReading& reading, std::string_view expected);

/// Reads the picture's watermark, then compares it; throws as decode_watermark.
WatermarkMatch watermark_match(const Image& image, std::string_view expected);

}  // namespace sd::image
