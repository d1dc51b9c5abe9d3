#include <algorithm>
#include <array>
#include <string_view>

#include "image/file_bytes.h"
#include "image/formats/decoders.h"
#include "image/formats/png_chunks.h"
#include "image/image_io.h"

namespace sd {
namespace {

/// The orientation in a TIFF header's first directory, or 1.
int orientation_in_tiff(ByteSpan tiff) {
  constexpr uint32_t kOrientation = 0x0112, kShort = 3, kLong = 4;
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const bool little = tiff[0] == 'I';
  const auto u16 = [&](size_t at) { return little ? little16(tiff, at) : big16(tiff, at); };
  const auto u32 = [&](size_t at) { return little ? little32(tiff, at) : big32(tiff, at); };
  if (u16(2) != 42) return 1;
  const size_t directory = u32(4);
  if (directory > tiff.size() - 2) return 1;
  const size_t count = u16(directory);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.size()) return 1;
    if (u16(entry) != kOrientation) continue;
    const uint32_t type = u16(entry + 2);
    if (type != kShort && type != kLong) return 1;
    const uint32_t value = type == kShort ? u16(entry + 8) : u32(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// JPEG: the first APP1 segment that starts with "Exif\0\0".
int orientation_in_jpeg(ByteSpan bytes) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  size_t at = 2;
  while (at + 4 <= bytes.size() && bytes[at] == 0xFF) {
    const unsigned marker = bytes[at + 1];
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) return 1;  // pixels, or the end
    const size_t length = big16(bytes, at + 2);
    if (length < 2 || at + 2 + length > bytes.size()) return 1;
    const ByteSpan segment = bytes.subspan(at + 4, length - 2);
    if (marker == 0xE1 && segment.size() > kExif.size() &&
        std::equal(kExif.begin(), kExif.end(), segment.begin())) {
      return orientation_in_tiff(segment.subspan(kExif.size()));
    }
    at += 2 + length;
  }
  return 1;
}

int orientation_in_png(ByteSpan bytes, const std::string& name) {
  try {
    PngChunks chunks(bytes, name);
    while (const auto chunk = chunks.next()) {
      if (chunk->type == "eXIf") return orientation_in_tiff(chunk->data);
    }
  } catch (const Error&) {
    // A damaged file is read_image's to report.
  }
  return 1;
}

}  // namespace

int exif_orientation(const std::filesystem::path& path) {
  const std::vector<uint8_t> bytes = read_file_bytes(path);
  if (has_png_signature(bytes)) return orientation_in_png(bytes, path.string());
  const bool jpeg = bytes.size() > 4 && bytes[0] == 0xFF && bytes[1] == 0xD8;
  return jpeg ? orientation_in_jpeg(bytes) : 1;
}

Image apply_orientation(const Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  const int width = swaps ? image.height : image.width;
  const int height = swaps ? image.width : image.height;
  const int right = image.width - 1, bottom = image.height - 1;
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::array<int, 2> from = [&]() -> std::array<int, 2> {
        switch (orientation) {
          case 2:  // mirrored
            return {right - x, y};
          case 3:  // upside down
            return {right - x, bottom - y};
          case 4:  // mirrored upside down
            return {x, bottom - y};
          case 5:  // mirrored along the main diagonal
            return {y, x};
          case 6:  // lies on its left side
            return {y, bottom - x};
          case 7:  // mirrored along the other diagonal
            return {right - y, bottom - x};
          default:  // 8: lies on its right side
            return {right - y, x};
        }
      }();
      std::copy_n(image.at(from[0], from[1]), 3, out.at(x, y));
    }
  }
  return out;
}

}  // namespace sd
