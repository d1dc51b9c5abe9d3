#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "image/formats/decoders.h"

namespace sd::image {
namespace {

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text of the header, and all of a plain file.
class Tokens {
 public:
  Tokens(ByteSpan bytes, size_t offset, const std::string& name)
      : bytes_(bytes), offset_(offset), name_(name) {}

  /// The next number, after white space and comments.
  uint32_t number(const char* what) {
    skip_blank();
    uint64_t value = 0;
    const size_t start = offset_;
    while (offset_ < bytes_.size() && bytes_[offset_] >= '0' && bytes_[offset_] <= '9') {
      value = value * 10 + (bytes_[offset_++] - '0');
      if (value > 0xFFFFFFFF) throw_damaged(name_, "PNM", fmt::format("its {} is too large", what));
    }
    if (offset_ == start) {
      const bool ended = offset_ == bytes_.size();
      throw_damaged(name_, "PNM",
                    fmt::format("its {} {}", what, ended ? "is missing" : "is no number"));
    }
    return static_cast<uint32_t>(value);
  }

  /// One digit, 0 or 1: in plain bitmaps nothing need stand between them.
  bool bit() {
    skip_blank();
    if (offset_ == bytes_.size()) throw_damaged(name_, "PNM", "its pixels end too early");
    const uint8_t digit = bytes_[offset_++];
    if (digit != '0' && digit != '1') throw_damaged(name_, "PNM", "a pixel is neither 0 nor 1");
    return digit == '1';
  }

  /// What follows the single white space after the header.
  ByteSpan rest() const { return bytes_.subspan(std::min(offset_ + 1, bytes_.size())); }
  size_t left() const { return bytes_.size() - offset_; }

 private:
  void skip_blank() {
    while (offset_ < bytes_.size()) {
      if (bytes_[offset_] == '#') {
        while (offset_ < bytes_.size() && bytes_[offset_] != '\n' && bytes_[offset_] != '\r') {
          ++offset_;
        }
      } else if (is_space(bytes_[offset_])) {
        ++offset_;
      } else {
        return;
      }
    }
  }

  ByteSpan bytes_;
  size_t offset_;
  const std::string& name_;
};

struct Header {
  int kind = 0;  // the digit after P
  uint32_t width = 0, height = 0, most = 1;
  bool plain() const { return kind <= 3; }
  bool bitmap() const { return kind == 1 || kind == 4; }
  size_t channels() const { return kind == 3 || kind == 6 ? 3 : 1; }
};

/// A value of 0 to `most` as 8 bits. Gray of more than 8 bits is stretched to 16 and cut at 255, as
/// in Pillow.
uint8_t to_8_bits(const Header& header, uint32_t value) {
  const bool wide_gray = header.channels() == 1 && header.most > 255;
  const double range = wide_gray ? 65535 : 255;
  const double scaled = std::nearbyint(static_cast<double>(value) / header.most * range);
  return static_cast<uint8_t>(std::min(scaled, 255.0));
}

/// Refuses a file too small for its sides before memory for them is asked for.
void check_size(const Header& header, size_t there, const std::string& name) {
  uint64_t needed = uint64_t{header.width} * header.height * header.channels();
  if (header.kind == 4) needed = uint64_t{(header.width + 7) / 8} * header.height;
  if (!header.plain() && header.most > 255) needed *= 2;
  if (header.kind == 2 || header.kind == 3) needed = needed * 2 - 1;  // digits with blanks between
  if (there < needed) {
    throw_damaged(
        name, "PNM",
        fmt::format("its pixels end too early: {} bytes where {} are needed", there, needed));
  }
}

void read_bits(const Header& header, Tokens& tokens, Image& image) {
  const ByteSpan rest = header.plain() ? ByteSpan() : tokens.rest();
  const size_t row_bytes = (header.width + 7) / 8;
  uint8_t* to = image.rgb.data();
  for (size_t y = 0; y < header.height; ++y) {
    for (size_t x = 0; x < header.width; ++x, to += 3) {
      const bool black =
          header.plain() ? tokens.bit() : ((rest[y * row_bytes + x / 8] >> (7 - x % 8)) & 1) != 0;
      std::fill_n(to, 3, static_cast<uint8_t>(black ? 0 : 255));
    }
  }
}

void read_values(const Header& header, Tokens& tokens, Image& image, const std::string& name) {
  const ByteSpan rest = header.plain() ? ByteSpan() : tokens.rest();
  const size_t channels = header.channels();
  size_t k = 0;
  const auto next = [&] {
    uint32_t value = 0;
    if (header.plain()) {
      value = tokens.number("next pixel");
    } else {
      value = header.most > 255 ? big16(rest, k * 2) : rest[k];
    }
    ++k;
    if (header.plain() && value > header.most) {
      throw_damaged(name, "PNM",
                    fmt::format("the value {}, above its largest, {}", value, header.most));
    }
    return to_8_bits(header, value);
  };
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    image.rgb[i] = next();
    for (size_t c = 1; c < 3; ++c) image.rgb[i + c] = channels == 3 ? next() : image.rgb[i];
  }
}

}  // namespace

Image decode_pnm(ByteSpan bytes, const std::string& name) {
  constexpr size_t kMagicBytes = 2;
  require_bytes(bytes, kMagicBytes, name, "PNM");
  Header header;
  header.kind = bytes[1] - '0';
  Tokens tokens(bytes, kMagicBytes, name);
  header.width = tokens.number("width");
  header.height = tokens.number("height");
  if (!header.bitmap()) header.most = tokens.number("largest value");
  check_dimensions(header.width, header.height, name);
  if (header.most < 1 || header.most > 65535) {
    throw_damaged(name, "PNM", fmt::format("a largest value of {}, not 1 to 65535", header.most));
  }
  check_size(header, header.plain() ? tokens.left() : tokens.rest().size(), name);
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  if (header.bitmap()) {
    read_bits(header, tokens, image);
  } else {
    read_values(header, tokens, image, name);
  }
  if (header.channels() == 1 && header.most > 255) tell_clipped_gray(name);
  return image;
}

}  // namespace sd::image
