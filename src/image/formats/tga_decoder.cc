#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "image/formats/decoders.h"

namespace sd::image {
namespace {

constexpr size_t kHeaderBytes = 18;

enum Kind : unsigned { kIndexed = 1, kColor = 2, kGray = 3 };

struct Header {
  unsigned kind = 0;  // without the bit for run lengths
  bool packed = false;
  unsigned depth = 0;  // bits a pixel
  uint32_t width = 0, height = 0;
  bool from_right = false, from_top = false;
  Palette palette;
  size_t pixels_at = 0;

  size_t pixel_bytes() const { return depth / 8; }  // 0 where a byte holds several
  size_t row_bytes() const { return (size_t{width} * depth + 7) / 8; }
};

/// Five bits a channel, blue lowest.
std::array<uint8_t, 3> from_555(uint32_t pixel) {
  const auto wide = [&](int shift) {
    return static_cast<uint8_t>(((pixel >> shift) & 31U) * 255 / 31);
  };
  return {wide(10), wide(5), wide(0)};
}

std::array<uint8_t, 3> color_at(ByteSpan bytes, size_t at, size_t size) {
  if (size == 2) return from_555(little16(bytes, at));
  return {bytes[at + 2], bytes[at + 1], bytes[at]};
}

bool depth_is_known(unsigned kind, unsigned depth) {
  if (kind == kIndexed) return depth == 8;
  if (kind == kColor) return depth == 16 || depth == 24 || depth == 32;
  return kind == kGray && (depth == 8 || depth == 16);
}

bool header_makes_sense(ByteSpan bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const unsigned kind = bytes[2];
  const bool one_bit = kind == kGray && bytes[16] == 1;  // never in run lengths
  return bytes[1] <= 1 && (kind & ~8U) >= kIndexed && (kind & ~8U) <= kGray &&
         (one_bit || depth_is_known(kind & ~8U, bytes[16]));
}

/// Returns where the palette ends.
size_t read_palette(ByteSpan bytes, size_t at, Header& header, const std::string& name) {
  const size_t first = little16(bytes, 3), count = little16(bytes, 5);
  const size_t size = (bytes[7] + 7U) / 8;
  if (bytes[1] == 0) return at;
  if (size < 2 || size > 4 || bytes.size() - at < count * size) {
    throw_damaged(name, "TGA", fmt::format("a palette of {} colors of {} bits", count, bytes[7]));
  }
  for (size_t i = 0; i < std::min<size_t>(first, 256); ++i) header.palette.set(i, 0, 0, 0);
  for (size_t i = 0; i < count && first + i < 256; ++i) {
    const auto color = color_at(bytes, at + i * size, size);
    header.palette.set(first + i, color[0], color[1], color[2]);
  }
  return at + count * size;
}

Header parse(ByteSpan bytes, const std::string& name) {
  require_bytes(bytes, kHeaderBytes, name, "TGA");
  Header header;
  header.kind = bytes[2] & ~8U;
  header.packed = (bytes[2] & 8) != 0;
  header.width = little16(bytes, 12);
  header.height = little16(bytes, 14);
  header.depth = bytes[16];
  header.from_right = (bytes[17] & 0x10) != 0;
  header.from_top = (bytes[17] & 0x20) != 0;
  check_dimensions(header.width, header.height, name);
  const size_t after_id = kHeaderBytes + bytes[0];
  require_bytes(bytes, after_id, name, "TGA");
  header.pixels_at = read_palette(bytes, after_id, header, name);
  return header;
}

/// Undoes the run lengths: a byte tells how many pixels follow, or how often one does.
std::vector<uint8_t> unpack(const Header& header, ByteSpan data, const std::string& name) {
  const size_t size = header.pixel_bytes();
  const size_t needed = static_cast<size_t>(header.width) * header.height * size;
  if (needed > data.size() * 128) throw_damaged(name, "TGA", "its pixels end too early");
  std::vector<uint8_t> out;
  out.reserve(needed);
  size_t at = 0;
  while (out.size() < needed) {
    const size_t count = at < data.size() ? (data[at] & 127U) + 1 : 0;
    const bool repeats = count > 0 && data[at] >= 128;
    const size_t stored = repeats ? size : count * size;
    if (count == 0 || data.size() - at - 1 < stored) {
      throw_damaged(name, "TGA", "its pixels end too early");
    }
    const ByteSpan pixels = data.subspan(at + 1, stored);
    for (size_t k = 0; k < (repeats ? count : 1); ++k) {
      out.insert(out.end(), pixels.begin(), pixels.end());
    }
    at += 1 + stored;
  }
  return out;
}

/// Pixel `x` of a row as it is stored.
void put_pixel(const Header& header, ByteSpan row, size_t x, uint8_t* rgb) {
  const size_t at = x * header.pixel_bytes();
  if (header.depth == 1) {
    std::fill_n(rgb, 3, static_cast<uint8_t>((row[x / 8] << x % 8 & 0x80) != 0 ? 255 : 0));
  } else if (header.kind == kIndexed) {
    std::copy_n(header.palette[row[at]], 3, rgb);
  } else if (header.kind == kGray) {
    std::fill_n(rgb, 3, row[at]);
  } else {
    const auto color = color_at(row, at, header.pixel_bytes());
    std::copy_n(color.begin(), 3, rgb);
  }
}

}  // namespace

bool is_tga(ByteSpan bytes, const std::string& name) {
  constexpr std::string_view kFooter("TRUEVISION-XFILE.\0", 18), kEnding(".tga");
  const bool named =
      name.size() >= kEnding.size() &&
      std::equal(kEnding.rbegin(), kEnding.rend(), name.rbegin(),
                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  const bool signed_off =
      bytes.size() >= kFooter.size() && has_text(bytes, kFooter, bytes.size() - kFooter.size());
  return (named || signed_off) && header_makes_sense(bytes);
}

Image decode_tga(ByteSpan bytes, const std::string& name) {
  const Header header = parse(bytes, name);
  ByteSpan data = bytes.subspan(header.pixels_at);
  std::vector<uint8_t> unpacked;
  if (header.packed) {
    unpacked = unpack(header, data, name);
    data = unpacked;
  }
  const size_t row_bytes = header.row_bytes();
  if (data.size() < row_bytes * header.height) {
    throw_damaged(name, "TGA", "its pixels end too early");
  }
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  for (uint32_t k = 0; k < header.height; ++k) {
    const uint32_t y = header.from_top ? k : header.height - 1 - k;
    const ByteSpan row = data.subspan(k * row_bytes, row_bytes);
    for (uint32_t j = 0; j < header.width; ++j) {
      const uint32_t x = header.from_right ? header.width - 1 - j : j;
      put_pixel(header, row, j, image.at(static_cast<int>(x), static_cast<int>(y)));
    }
  }
  return image;
}

}  // namespace sd::image
