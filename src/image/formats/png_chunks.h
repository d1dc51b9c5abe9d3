#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "image/formats/decoders.h"

namespace sd {

inline constexpr uint8_t kPngSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

bool has_png_signature(ByteSpan bytes);

/// The neighbour that is closest to left + up - corner: PNG's fourth filter.
inline uint8_t png_paeth(int left, int up, int corner) {
  const int from_left = std::abs(up - corner);
  const int from_up = std::abs(left - corner);
  const int from_corner = std::abs(left + up - 2 * corner);
  const int up_or_corner = from_up <= from_corner ? up : corner;
  const bool is_left = from_left <= from_up && from_left <= from_corner;
  return static_cast<uint8_t>(is_left ? left : up_or_corner);
}

struct PngChunk {
  std::string type;  ///< four letters
  ByteSpan data;
};

/// Walks over the chunks of a PNG. Nothing is returned that does not lie wholly within the bytes
/// and has the right check sum.
class PngChunks {
 public:
  /// `bytes` and `name` must outlive it. Throws Error(kFile) when there is no PNG signature.
  PngChunks(ByteSpan bytes, const std::string& name);

  /// The next chunk; nothing after IEND, or where the file ends at a chunk's end or within one.
  /// Throws Error(kFile) on a wrong check sum or type.
  std::optional<PngChunk> next();

  /// True once next() has returned nothing because the file ended before its IEND.
  bool cut_short() const { return cut_short_; }

 private:
  ByteSpan bytes_;
  const std::string& name_;
  size_t offset_ = 8;
  bool ended_ = false;
  bool cut_short_ = false;
};

}  // namespace sd
