#include <fmt/core.h>

#include <algorithm>

#include "image/formats/decoders.h"

namespace sd::image {
namespace {

enum Mode : uint32_t { kGray = 1, kIndexed = 2, kRgb = 3, kCmyk = 4, kDuotone = 8 };

struct Header {
  uint32_t channels = 0, height = 0, width = 0, depth = 0, mode = 0;
  Palette palette;
  size_t pixels_at = 0;

  /// The channels that make a color; those after them are alpha.
  size_t color_channels() const {
    if (mode == kRgb) return 3;
    return mode == kCmyk ? 4 : 1;
  }
  size_t row_bytes() const { return static_cast<size_t>(width) * depth / 8; }
};

/// The place after a block that starts with its length.
size_t skip_block(ByteSpan bytes, size_t at, const std::string& name) {
  if (bytes.size() < at + 4 || bytes.size() - at - 4 < big32(bytes, at)) {
    throw_damaged(name, "PSD", "it is cut short");
  }
  return at + 4 + big32(bytes, at);
}

Header parse(ByteSpan bytes, const std::string& name) {
  constexpr size_t kHeaderBytes = 26;
  require_bytes(bytes, kHeaderBytes, name, "PSD");
  Header header;
  header.channels = big16(bytes, 12);
  header.height = big32(bytes, 14);
  header.width = big32(bytes, 18);
  header.depth = big16(bytes, 22);
  header.mode = big16(bytes, 24);
  check_dimensions(header.width, header.height, name);
  const bool known = header.mode == kGray || header.mode == kIndexed || header.mode == kRgb ||
                     header.mode == kCmyk || header.mode == kDuotone;
  const bool deep = header.depth == 16 && header.mode != kIndexed;
  if (big16(bytes, 4) != 1 || !known || (header.depth != 8 && !deep)) {
    throw Error(
        ErrorKind::kFile,
        fmt::format("{}: a PSD of color mode {} with {} bits, which this program does not read",
                    name, header.mode, header.depth),
        "save it as PNG");
  }
  if (header.channels < header.color_channels() || header.channels > 56) {
    throw_damaged(name, "PSD", fmt::format("{} channels", header.channels));
  }
  const size_t resources = skip_block(bytes, kHeaderBytes, name);
  if (header.mode == kIndexed) {
    if (resources < kHeaderBytes + 4 + 768) throw_damaged(name, "PSD", "its palette is missing");
    const ByteSpan planes = bytes.subspan(kHeaderBytes + 4, 768);
    for (size_t i = 0; i < 256; ++i)
      header.palette.set(i, planes[i], planes[256 + i], planes[512 + i]);
  }
  header.pixels_at = skip_block(bytes, skip_block(bytes, resources, name), name);
  return header;
}

/// PackBits: one row of `size` bytes.
void unpack_row(ByteSpan packed, size_t size, std::vector<uint8_t>& out, const std::string& name) {
  const size_t end = out.size() + size;
  size_t at = 0;
  while (out.size() < end) {
    const size_t left = packed.size() - at;
    if (left < 2) throw_damaged(name, "PSD", "a row ends too early");
    const unsigned code = packed[at++];
    if (code == 128) continue;
    const size_t room = end - out.size();
    if (code > 128) {
      out.insert(out.end(), std::min<size_t>(257 - code, room), packed[at++]);
      continue;
    }
    const size_t count = std::min<size_t>(code + 1, room);
    if (packed.size() - at < count) throw_damaged(name, "PSD", "a row ends too early");
    out.insert(out.end(), packed.begin() + static_cast<std::ptrdiff_t>(at),
               packed.begin() + static_cast<std::ptrdiff_t>(at + count));
    at += code + 1;
    at = std::min(at, packed.size());
  }
}

/// [channels][height][row_bytes] of the merged picture, only the channels of its color.
std::vector<uint8_t> read_planes(const Header& header, ByteSpan bytes, const std::string& name) {
  require_bytes(bytes, header.pixels_at + 2, name, "PSD");
  const unsigned compression = big16(bytes, header.pixels_at);
  const ByteSpan data = bytes.subspan(header.pixels_at + 2);
  const size_t rows = header.color_channels() * header.height;
  const size_t needed = rows * header.row_bytes();
  std::vector<uint8_t> planes;
  if (compression == 0) {
    if (data.size() < needed) throw_damaged(name, "PSD", "its pixels end too early");
    planes.assign(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(needed));
    return planes;
  }
  if (compression != 1) {
    throw_damaged(name, "PSD", fmt::format("its compression is {}, not 0 or 1", compression));
  }
  size_t at = size_t{header.channels} * header.height * 2;  // after the lengths of all rows
  if (data.size() < at || needed > data.size() * 64) {      // two bytes make 128 at most
    throw_damaged(name, "PSD", "its pixels end too early");
  }
  planes.reserve(needed);
  for (size_t row = 0; row < rows; ++row) {
    const size_t size = big16(data, row * 2);
    if (data.size() - at < size) throw_damaged(name, "PSD", "its pixels end too early");
    unpack_row(data.subspan(at, size), header.row_bytes(), planes, name);
    at += size;
  }
  return planes;
}

}  // namespace

Image decode_psd(ByteSpan bytes, const std::string& name) {
  const Header header = parse(bytes, name);
  const std::vector<uint8_t> planes = read_planes(header, bytes, name);
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  const size_t plane = header.row_bytes() * header.height;
  const size_t step = header.depth / 8;  // of 16 bits, the upper eight
  for (size_t i = 0; i < image.pixels(); ++i) {
    const uint8_t* from = &planes[i * step];
    uint8_t* rgb = &image.rgb[i * 3];
    if (header.mode == kRgb) {
      for (size_t c = 0; c < 3; ++c) rgb[c] = from[c * plane];
    } else if (header.mode == kCmyk) {
      inverted_cmyk_to_rgb({from[0], from[plane], from[2 * plane], from[3 * plane]}, rgb);
    } else if (header.mode == kIndexed) {
      std::copy_n(header.palette[*from], 3, rgb);
    } else {
      std::fill_n(rgb, 3, *from);
    }
  }
  return image;
}

}  // namespace sd::image
