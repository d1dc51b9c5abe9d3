#include <zlib.h>

#include <algorithm>

#include "base/strings.h"
#include "image/formats/decoders.h"
#include "image/formats/png_chunks.h"

namespace sd {
namespace {

enum ColorType : uint8_t { kGray = 0, kRgb = 2, kIndexed = 3, kGrayAlpha = 4, kRgba = 6 };

struct Header {
  uint32_t width = 0, height = 0;
  unsigned depth = 0;     // bits a channel
  unsigned channels = 0;  // with alpha
  ColorType color = kGray;
  bool interlaced = false;

  unsigned pixel_bits() const { return depth * channels; }
  /// Bytes of a row of that many pixels, without the filter's byte.
  size_t row_bytes(uint32_t pixels) const {
    return (static_cast<size_t>(pixels) * pixel_bits() + 7) / 8;
  }
};

unsigned channels_of(unsigned color) {
  switch (color) {
    case kGray:
    case kIndexed:
      return 1;
    case kGrayAlpha:
      return 2;
    case kRgb:
      return 3;
    case kRgba:
      return 4;
    default:
      return 0;
  }
}

bool depth_is_allowed(unsigned color, unsigned depth) {
  const bool whole = depth == 8 || (depth == 16 && color != kIndexed);
  const bool part = depth == 1 || depth == 2 || depth == 4;
  return whole || (part && (color == kGray || color == kIndexed));
}

Header parse_header(const PngChunk& chunk, const std::string& name) {
  if (chunk.type != "IHDR" || chunk.data.size() != 13) {
    throw_damaged(name, "PNG", "it does not start with an IHDR chunk of 13 bytes");
  }
  Header header;
  header.width = big32(chunk.data, 0);
  header.height = big32(chunk.data, 4);
  header.depth = chunk.data[8];
  const unsigned color = chunk.data[9];
  header.channels = channels_of(color);
  if (header.channels == 0 || !depth_is_allowed(color, header.depth)) {
    throw_damaged(name, "PNG", format("color type %u with %u bits", color, header.depth));
  }
  if (chunk.data[10] != 0 || chunk.data[11] != 0 || chunk.data[12] > 1) {
    throw_damaged(name, "PNG", "its compression, filter or interlace method is unknown");
  }
  check_dimensions(header.width, header.height, name);
  header.color = static_cast<ColorType>(color);
  header.interlaced = chunk.data[12] == 1;
  return header;
}

/// The inflated bytes of the IDAT chunks, one after the other.
class PixelStream {
 public:
  PixelStream(const std::vector<ByteSpan>& parts, const std::string& name)
      : parts_(parts), name_(name) {
    if (inflateInit(&zlib_) != Z_OK) {
      throw Error(ErrorKind::kInternal, "zlib cannot be started");
    }
  }
  ~PixelStream() { inflateEnd(&zlib_); }
  PixelStream(const PixelStream&) = delete;
  PixelStream& operator=(const PixelStream&) = delete;

  void read(std::vector<uint8_t>& to) {
    zlib_.next_out = to.data();
    zlib_.avail_out = static_cast<uInt>(to.size());
    while (zlib_.avail_out > 0) {
      if (zlib_.avail_in == 0 && !refill()) {
        throw_damaged(name_, "PNG", "its pixels end too early");
      }
      const int status = inflate(&zlib_, Z_NO_FLUSH);
      if (status == Z_STREAM_END && zlib_.avail_out > 0) {
        throw_damaged(name_, "PNG", "it holds fewer pixels than it says");
      }
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        throw_damaged(name_, "PNG", "its pixels do not inflate");
      }
    }
  }

 private:
  bool refill() {
    if (next_part_ == parts_.size()) return false;
    const ByteSpan part = parts_[next_part_++];
    zlib_.next_in = const_cast<Bytef*>(part.data());  // zlib's interface; it only reads
    zlib_.avail_in = static_cast<uInt>(part.size());
    return true;
  }

  const std::vector<ByteSpan>& parts_;
  const std::string& name_;
  size_t next_part_ = 0;
  z_stream zlib_ = {};
};

/// Undoes a row's filter in place. `line` and `above` have the filter's byte first; `step` is the
/// bytes of a pixel, at least 1.
void unfilter(std::vector<uint8_t>& line, const std::vector<uint8_t>& above, size_t step,
              const std::string& name) {
  const unsigned filter = line[0];
  if (filter > 4) throw_damaged(name, "PNG", format("a row has the unknown filter %u", filter));
  if (filter == 0) return;
  for (size_t i = 1; i < line.size(); ++i) {
    const int left = i > step ? line[i - step] : 0;
    const int up = above[i];
    int guess = left;
    if (filter == 2) guess = up;
    if (filter == 3) guess = (left + up) / 2;
    if (filter == 4) guess = png_paeth(left, up, i > step ? above[i - step] : 0);
    line[i] = static_cast<uint8_t>(line[i] + guess);
  }
}

/// One pass of an interlaced picture: pixels (x0 + k * dx, y0 + l * dy).
struct Pass {
  uint32_t x0, y0, dx, dy;
};

constexpr Pass kWhole[] = {{0, 0, 1, 1}};
constexpr Pass kAdam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

uint32_t samples(uint32_t size, uint32_t first, uint32_t step) {
  return size > first ? (size - first + step - 1) / step : 0;
}

/// Turns a row of samples into RGB as Pillow does.
class RowToRgb {
 public:
  RowToRgb(const Header& header, const Palette& palette) : header_(header), palette_(palette) {}

  /// The pixel number k of an unfiltered row (its filter's byte left out).
  void pixel(const uint8_t* line, size_t k, uint8_t* rgb) const {
    const size_t channel_bytes = header_.depth / 8;  // 0 for parts of a byte
    const uint8_t* from = line + k * header_.channels * channel_bytes;
    if (header_.color == kRgb || header_.color == kRgba) {
      for (size_t c = 0; c < 3; ++c) rgb[c] = from[c * channel_bytes];
      return;
    }
    const unsigned value = channel_bytes == 0 ? part_of_byte(line, k) : whole(from);
    const uint8_t* color = palette_[value];
    std::copy_n(color, 3, rgb);
  }

 private:
  unsigned part_of_byte(const uint8_t* line, size_t k) const {
    const size_t bit = k * header_.depth;
    const unsigned value =
        (line[bit / 8] >> (8 - header_.depth - bit % 8)) & ((1U << header_.depth) - 1);
    return header_.color == kGray ? value * 255 / ((1U << header_.depth) - 1) : value;
  }
  unsigned whole(const uint8_t* from) const {
    const bool clips = header_.depth == 16 && header_.color == kGray;
    return clips && from[0] > 0 ? 255 : from[clips ? 1 : 0];
  }

  const Header& header_;
  const Palette& palette_;  // grays in order for pictures without one
};

struct Parts {
  Header header;
  Palette palette;
  std::vector<ByteSpan> pixels;
};

void read_palette(const PngChunk& chunk, Parts& parts, const std::string& name) {
  if (chunk.data.size() % 3 != 0 || chunk.data.size() > 768) {
    throw_damaged(name, "PNG", format("a palette of %zu bytes", chunk.data.size()));
  }
  for (size_t i = 0; i < chunk.data.size() / 3; ++i) {
    parts.palette.set(i, chunk.data[i * 3], chunk.data[i * 3 + 1], chunk.data[i * 3 + 2]);
  }
}

/// Header, palette and the compressed pixels. A file may end after its last pixel.
Parts gather(ByteSpan bytes, const std::string& name) {
  PngChunks chunks(bytes, name);
  const auto first = chunks.next();
  if (!first) throw_damaged(name, "PNG", "it is cut short in its header");
  Parts parts;
  parts.header = parse_header(*first, name);
  bool has_palette = false;
  while (const auto chunk = chunks.next()) {
    if (chunk->type == "IDAT") {
      parts.pixels.push_back(chunk->data);
    } else if (!parts.pixels.empty()) {
      break;
    } else if (chunk->type == "PLTE" && parts.header.color == kIndexed) {
      read_palette(*chunk, parts, name);
      has_palette = true;
    }
  }
  if (parts.pixels.empty()) {
    throw_damaged(name, "PNG", chunks.cut_short() ? "it is cut short" : "it has no pixels");
  }
  if (parts.header.color == kIndexed && !has_palette) {
    throw_damaged(name, "PNG", "its palette is missing");
  }
  return parts;
}

/// Refuses a file that is too small for its sides before memory for them is asked for: deflate
/// shrinks at most 1032-fold.
void check_size(const Parts& parts, std::span<const Pass> passes, const std::string& name) {
  const Header& header = parts.header;
  uint64_t needed = 0, there = 0;
  for (const Pass& pass : passes) {
    const uint32_t columns = samples(header.width, pass.x0, pass.dx);
    const uint64_t row_count = samples(header.height, pass.y0, pass.dy);
    if (columns > 0) needed += row_count * (header.row_bytes(columns) + 1);
  }
  for (const ByteSpan part : parts.pixels) there += part.size();
  if (needed > there * 1032 + 1032) {
    throw_damaged(name, "PNG",
                  format("%ux%u pixels do not fit into its %llu bytes", header.width, header.height,
                         static_cast<unsigned long long>(there)));
  }
}

}  // namespace

Image decode_png(ByteSpan bytes, const std::string& name) {
  const Parts parts = gather(bytes, name);
  const Header& header = parts.header;
  const std::span<const Pass> passes =
      header.interlaced ? std::span<const Pass>(kAdam7) : std::span<const Pass>(kWhole);
  check_size(parts, passes, name);
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  PixelStream stream(parts.pixels, name);
  const RowToRgb to_rgb(header, parts.palette);
  const size_t step = std::max<size_t>(header.pixel_bits() / 8, 1);
  for (const Pass& pass : passes) {
    const uint32_t columns = samples(header.width, pass.x0, pass.dx);
    if (columns == 0) continue;
    std::vector<uint8_t> line(header.row_bytes(columns) + 1), above(line.size());
    for (uint32_t y = pass.y0; y < header.height; y += pass.dy) {
      stream.read(line);
      unfilter(line, above, step, name);
      for (uint32_t k = 0; k < columns; ++k) {
        const uint32_t x = pass.x0 + k * pass.dx;
        to_rgb.pixel(line.data() + 1, k, image.at(static_cast<int>(x), static_cast<int>(y)));
      }
      line.swap(above);
    }
  }
  if (header.color == kGray && header.depth == 16) tell_clipped_gray(name);
  return image;
}

}  // namespace sd
