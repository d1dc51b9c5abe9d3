#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "image/formats/decoders.h"

namespace sd::image {
namespace {

/// Reads forward through the file; every read is checked.
class Reader {
 public:
  Reader(ByteSpan bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  ByteSpan take(size_t count) {
    if (count > bytes_.size() - offset_) throw_damaged(name_, "GIF", "it is cut short");
    const ByteSpan taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }
  uint8_t byte() { return take(1)[0]; }

  /// The sub-blocks up to the empty one, joined. With `may_end`, a file that ends gives what is
  /// there.
  std::vector<uint8_t> blocks(bool may_end = false) {
    std::vector<uint8_t> all;
    while (true) {
      if (may_end && offset_ == bytes_.size()) return all;
      const size_t size = byte();
      if (size == 0) return all;
      const size_t there = may_end ? std::min(size, bytes_.size() - offset_) : size;
      const ByteSpan block = take(there);
      all.insert(all.end(), block.begin(), block.end());
    }
  }

 private:
  ByteSpan bytes_;
  const std::string& name_;
  size_t offset_ = 0;
};

constexpr unsigned kMaxBits = 12;  // of the codes that the table grows to

/// LZW as GIF packs it. Yields one palette index a call: of those above 255, which codes of more
/// than 8 bits can name, the lowest 8 bits, as Pillow does.
class Lzw {
 public:
  Lzw(const std::vector<uint8_t>& data, unsigned code_bits) : data_(data), root_bits_(code_bits) {
    clear();
  }

  /// The next index; nothing at the end of the data or at a code that makes no sense.
  std::optional<uint8_t> next() {
    if (pending_.empty() && !decode()) return std::nullopt;
    const uint8_t value = pending_.back();
    pending_.pop_back();
    return value;
  }

 private:
  static constexpr unsigned kNone = ~0U;

  void clear() {
    bits_ = root_bits_ + 1;
    size_ = (1U << root_bits_) + 2;
    previous_ = kNone;
  }

  std::optional<unsigned> code() {
    unsigned value = 0;
    for (unsigned i = 0; i < bits_; ++i, ++bit_) {
      if (bit_ / 8 >= data_.size()) return std::nullopt;
      value |= ((data_[bit_ / 8] >> (bit_ % 8)) & 1U) << i;
    }
    return value;
  }

  /// Decodes one code into pending_, last index first.
  bool decode() {
    const unsigned clear_code = 1U << root_bits_;
    auto code_read = code();
    while (code_read == clear_code) {
      clear();
      code_read = code();
    }
    if (!code_read || *code_read == clear_code + 1) return false;
    const unsigned read = *code_read;
    const bool is_new = read == size_ && previous_ != kNone;
    if (read >= size_ && !is_new) return false;
    // With first codes of 12 bits there are codes that the table has no room for.
    if (is_new && previous_ >= prefix_.size()) return false;
    if (is_new) pending_.push_back(first_);
    unsigned walk = is_new ? previous_ : read;
    for (; walk >= clear_code; walk = prefix_[walk]) pending_.push_back(suffix_[walk]);
    first_ = static_cast<uint8_t>(walk);
    pending_.push_back(first_);
    if (is_new) pending_.front() = first_;
    grow();
    previous_ = read;
    return true;
  }

  /// Enters "the previous string and the first index of this one".
  void grow() {
    if (previous_ == kNone || size_ >= (1U << kMaxBits)) return;
    prefix_[size_] = static_cast<uint16_t>(previous_);
    suffix_[size_] = first_;
    ++size_;
    if (size_ == (1U << bits_) && bits_ < kMaxBits) ++bits_;
  }

  const std::vector<uint8_t>& data_;
  const unsigned root_bits_;
  unsigned bits_ = 0, size_ = 0, previous_ = kNone;
  size_t bit_ = 0;
  uint8_t first_ = 0;
  std::array<uint16_t, 1U << kMaxBits> prefix_ = {};
  std::array<uint8_t, 1U << kMaxBits> suffix_ = {};
  std::vector<uint8_t> pending_;
};

struct Frame {
  uint32_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  unsigned code_bits = 0;
  std::vector<uint8_t> data;
};

struct Gif {
  uint32_t width = 0, height = 0;
  Palette palette;
  std::optional<uint8_t> transparent;
  Frame frame;
};

void read_colours(Reader& reader, unsigned flags, Palette& palette) {
  if ((flags & 0x80) == 0) return;
  const size_t count = size_t{2} << (flags & 7);
  const ByteSpan colours = reader.take(count * 3);
  palette = Palette();
  for (size_t i = 0; i < count; ++i) {
    palette.set(i, colours[i * 3], colours[i * 3 + 1], colours[i * 3 + 2]);
  }
}

void read_extension(Reader& reader, Gif& gif) {
  constexpr uint8_t kGraphicControl = 0xF9;
  const uint8_t label = reader.byte();
  const std::vector<uint8_t> data = reader.blocks();
  if (label == kGraphicControl && data.size() >= 4 && (data[0] & 1) != 0) gif.transparent = data[3];
}

void read_frame(Reader& reader, Gif& gif, const std::string& name) {
  const ByteSpan about = reader.take(9);
  Frame& frame = gif.frame;
  frame.left = little16(about, 0);
  frame.top = little16(about, 2);
  frame.width = little16(about, 4);
  frame.height = little16(about, 6);
  frame.interlaced = (about[8] & 0x40) != 0;
  read_colours(reader, about[8], gif.palette);
  frame.code_bits = reader.byte();
  if (frame.code_bits > kMaxBits) {
    throw_damaged(name, "GIF", fmt::format("codes of {} bits", frame.code_bits));
  }
  frame.data = reader.blocks(true);
}

/// Everything up to and with the first frame.
Gif parse(ByteSpan bytes, const std::string& name) {
  Reader reader(bytes, name);
  reader.take(6);
  const ByteSpan screen = reader.take(7);
  Gif gif;
  gif.width = little16(screen, 0);
  gif.height = little16(screen, 2);
  read_colours(reader, screen[4], gif.palette);
  while (true) {
    switch (reader.byte()) {
      case ',':
        read_frame(reader, gif, name);
        return gif;
      case '!':
        read_extension(reader, gif);
        break;
      case ';':
        throw_damaged(name, "GIF", "it has no frame");
      default:
        break;  // stray bytes between blocks are skipped, as in Pillow
    }
  }
}

/// The most pixels that a frame's data can hold: each code stands for one pixel more than the one
/// before it, up to the table's size.
uint64_t most_pixels(const Frame& frame) {
  constexpr uint64_t kTable = 1U << kMaxBits;
  const uint64_t codes = uint64_t{frame.data.size()} * 8 / (frame.code_bits + 1);
  const uint64_t growing = std::min(codes, kTable);
  return growing * (growing + 1) / 2 + (codes - growing) * kTable;
}

/// The rows of a frame in the order in which they are stored.
std::vector<uint32_t> row_order(const Frame& frame) {
  std::vector<uint32_t> rows;
  rows.reserve(frame.height);
  if (!frame.interlaced) {
    for (uint32_t y = 0; y < frame.height; ++y) rows.push_back(y);
    return rows;
  }
  constexpr uint32_t kPasses[][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  for (const auto& pass : kPasses) {
    for (uint32_t y = pass[0]; y < frame.height; y += pass[1]) rows.push_back(y);
  }
  return rows;
}

}  // namespace

Image decode_gif(ByteSpan bytes, const std::string& name) {
  const Gif gif = parse(bytes, name);
  const Frame& frame = gif.frame;
  check_dimensions(frame.width, frame.height, name);
  const uint32_t width = std::max(gif.width, frame.left + frame.width);
  const uint32_t height = std::max(gif.height, frame.top + frame.height);
  check_dimensions(width, height, name);
  const uint64_t held = most_pixels(frame);
  if (uint64_t{frame.width} * frame.height > held) {
    throw_damaged(name, "GIF", "its pixels end too early");
  }
  check_claim(width, height, held, name);
  Image image(static_cast<int>(width), static_cast<int>(height));
  const uint8_t* ground = gif.palette[gif.transparent.value_or(0)];
  for (size_t i = 0; i < image.rgb.size(); i += 3) std::copy_n(ground, 3, &image.rgb[i]);
  Lzw lzw(frame.data, frame.code_bits);
  for (const uint32_t row : row_order(frame)) {
    uint8_t* to = image.at(static_cast<int>(frame.left), static_cast<int>(frame.top + row));
    for (uint32_t x = 0; x < frame.width; ++x, to += 3) {
      const auto index = lzw.next();
      if (!index) throw_damaged(name, "GIF", "its pixels end too early");
      std::copy_n(gif.palette[*index], 3, to);
    }
  }
  return image;
}

}  // namespace sd::image
