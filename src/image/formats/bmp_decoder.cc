#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>

#include "image/formats/decoders.h"

namespace sd::image {
namespace {

enum Compression : uint32_t { kRaw = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };

struct Header {
  uint32_t width = 0, height = 0;
  bool top_down = false;
  unsigned bits = 0;
  uint32_t compression = kRaw;
  std::array<uint32_t, 3> masks = {};  // red, green, blue, for 16 and 32 bits
  Palette palette;
  size_t pixels_at = 0;

  size_t row_bytes() const { return (static_cast<size_t>(width) * bits + 31) / 32 * 4; }
};

void need(ByteSpan bytes, uint64_t size, const std::string& name) {
  require_bytes(bytes, size, name, "BMP");
}

void read_masks(ByteSpan bytes, size_t info_size, Header& header, const std::string& name) {
  constexpr size_t kMasksAt = 14 + 40;  // in the longer headers and after the short one alike
  if (header.bits == 16) header.masks = {0x7C00, 0x3E0, 0x1F};
  if (header.bits == 32) header.masks = {0xFF0000, 0xFF00, 0xFF};
  if (header.compression != kBitFields) return;
  need(bytes, kMasksAt + 12, name);
  std::array<uint32_t, 3> masks;
  for (size_t c = 0; c < 3; ++c) masks[c] = little32(bytes, kMasksAt + c * 4);
  const bool none = masks == std::array<uint32_t, 3>{};
  if (none && header.bits == 32 && info_size >= 52) return;  // as if there were no masks
  for (const uint32_t mask : masks) {
    const uint32_t ones = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    if (ones == 0 || (ones & (ones + 1)) != 0 || (header.bits == 16 && mask > 0xFFFF)) {
      throw_damaged(name, "BMP", fmt::format("the color mask 0x{:X}", mask));
    }
  }
  header.masks = masks;
}

void read_palette(ByteSpan bytes, size_t at, size_t count, size_t entry_bytes, Header& header,
                  const std::string& name) {
  count = std::min(count, size_t{1} << header.bits);
  need(bytes, at + count * entry_bytes, name);
  for (size_t i = 0; i < count; ++i) {
    const ByteSpan bgr = bytes.subspan(at + i * entry_bytes, 3);
    header.palette.set(i, bgr[2], bgr[1], bgr[0]);
  }
}

void check_kind(const Header& header, const std::string& name) {
  constexpr unsigned kBits[] = {1, 4, 8, 16, 24, 32};
  const bool known = std::find(std::begin(kBits), std::end(kBits), header.bits) != std::end(kBits);
  bool fits = header.compression == kRaw;
  if (header.compression == kRle8) fits = header.bits == 8;
  if (header.compression == kRle4) fits = header.bits == 4;
  if (header.compression == kBitFields) fits = header.bits == 16 || header.bits == 32;
  if (known && fits) return;
  throw Error(
      ErrorKind::kFile,
      fmt::format("{}: a BMP of {} bits with compression {}, which this program does not read",
                  name, header.bits, header.compression),
      "save it as PNG");
}

/// The short header of OS/2, and Windows' ones, which only grow.
Header parse(ByteSpan bytes, const std::string& name) {
  constexpr size_t kFileHeader = 14, kOs2 = 12, kWindows = 40;
  need(bytes, kFileHeader + 4, name);
  const size_t info_size = little32(bytes, kFileHeader);
  if (info_size != kOs2 && (info_size < kWindows || info_size > 1024)) {
    throw_damaged(name, "BMP", fmt::format("a header of {} bytes", info_size));
  }
  need(bytes, kFileHeader + info_size, name);
  const ByteSpan info = bytes.subspan(kFileHeader, info_size);
  Header header;
  size_t colours = 0, palette_at = kFileHeader + info_size;
  if (info_size == kOs2) {
    header.width = little16(info, 4);
    header.height = little16(info, 6);
    header.bits = little16(info, 10);
  } else {
    header.width = little32(info, 4);
    header.height = little32(info, 8);
    header.bits = little16(info, 14);
    header.compression = little32(info, 16);
    colours = little32(info, 32);
    header.top_down = (header.height >> 31) != 0;
    if (header.top_down) header.height = 0U - header.height;
    if (info_size == kWindows && header.compression == kBitFields) palette_at += 12;
  }
  check_kind(header, name);
  check_dimensions(header.width, header.height, name);
  read_masks(bytes, info_size, header, name);
  if (header.bits <= 8) {
    if (colours == 0) colours = size_t{1} << header.bits;
    read_palette(bytes, palette_at, colours, info_size == kOs2 ? 3 : 4, header, name);
  }
  header.pixels_at = little32(bytes, 10);
  need(bytes, header.pixels_at, name);
  return header;
}

uint8_t channel(uint32_t pixel, uint32_t mask) {
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint8_t>(((pixel & mask) >> shift) * uint64_t{255} / most);
}

/// Pixel x of a row of palette indices.
unsigned index_at(const uint8_t* row, unsigned bits, size_t x) {
  const size_t bit = x * bits;
  return (row[bit / 8] >> (8 - bits - bit % 8)) & ((1U << bits) - 1);
}

void convert_row(const Header& header, ByteSpan row, uint8_t* rgb) {
  for (size_t x = 0; x < header.width; ++x, rgb += 3) {
    if (header.bits <= 8) {
      std::copy_n(header.palette[index_at(row.data(), header.bits, x)], 3, rgb);
    } else if (header.bits == 24) {
      std::reverse_copy(&row[x * 3], &row[x * 3] + 3, rgb);
    } else {
      const uint32_t pixel = header.bits == 16 ? little16(row, x * 2) : little32(row, x * 4);
      for (size_t c = 0; c < 3; ++c) rgb[c] = channel(pixel, header.masks[c]);
    }
  }
}

/// Run lengths: [rows from the file's first][width] palette indices; what is skipped is 0.
std::vector<uint8_t> unpack_runs(const Header& header, ByteSpan data, const std::string& name) {
  std::vector<uint8_t> indices(static_cast<size_t>(header.width) * header.height);
  size_t at = 0, x = 0, y = 0;
  const auto byte = [&]() -> uint8_t {
    if (at >= data.size()) throw_damaged(name, "BMP", "its pixels end too early");
    return data[at++];
  };
  const auto put = [&](unsigned index) {
    if (x < header.width && y < header.height) indices[y * header.width + x] = index & 0xFF;
    ++x;
  };
  const bool halves = header.compression == kRle4;
  const auto part = [&](uint8_t value, size_t k) -> unsigned {
    if (!halves) return value;
    return k % 2 == 0 ? value >> 4 : value & 15U;
  };
  // The mark of the end may be missing behind the last row.
  const auto is_whole = [&] {
    return at >= data.size() && y + 1 == header.height && x >= header.width;
  };
  while (y < header.height && !is_whole()) {
    const uint8_t count = byte();
    const uint8_t value = byte();
    if (count > 0) {
      for (size_t k = 0; k < count; ++k) put(part(value, k));
    } else if (value == 0) {  // end of the line
      x = 0;
      ++y;
    } else if (value == 1) {  // end of the picture
      break;
    } else if (value == 2) {  // a step right and up
      x += byte();
      y += byte();
    } else {  // `value` pixels as they are, padded to an even number of bytes
      const size_t start = at;
      uint8_t packed = 0;
      for (size_t k = 0; k < value; ++k) {
        if (!halves || k % 2 == 0) packed = byte();
        put(part(packed, k));
      }
      if ((at - start) % 2 != 0) byte();
    }
  }
  return indices;
}

}  // namespace

Image decode_bmp(ByteSpan bytes, const std::string& name) {
  Header header = parse(bytes, name);
  ByteSpan data = bytes.subspan(header.pixels_at);
  std::vector<uint8_t> indices;
  size_t row_bytes = header.row_bytes();
  if (header.compression == kRle8 || header.compression == kRle4) {
    check_claim(header.width, header.height, uint64_t{data.size()} * 128, name);
    indices = unpack_runs(header, data, name);
    data = indices;
    header.bits = 8;
    row_bytes = header.width;
  }
  if (data.size() / row_bytes < header.height) {
    // The last row may lack its padding.
    const size_t last = (static_cast<size_t>(header.width) * header.bits + 7) / 8;
    if (data.size() < row_bytes * (header.height - 1) + last) {
      throw_damaged(name, "BMP", "its pixels end too early");
    }
  }
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  for (uint32_t k = 0; k < header.height; ++k) {
    const uint32_t y = header.top_down ? k : header.height - 1 - k;
    convert_row(header, data.subspan(k * row_bytes), image.row(static_cast<int>(y)));
  }
  return image;
}

}  // namespace sd::image
