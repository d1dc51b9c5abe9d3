#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "image/formats/decoders.h"

namespace sd::image {
namespace {

constexpr size_t kChannels = 4;  // red, green, blue, shared exponent

class Reader {
 public:
  Reader(ByteSpan bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  uint8_t byte() {
    if (at_ == bytes_.size()) throw_damaged(name_, "HDR", "it is cut short");
    return bytes_[at_++];
  }
  std::string line() {
    std::string text;
    for (char c = static_cast<char>(byte()); c != '\n'; c = static_cast<char>(byte())) text += c;
    return text;
  }
  size_t left() const { return bytes_.size() - at_; }
  /// True if the next row is packed in run lengths.
  bool packed_row(size_t width) const {
    return width >= 8 && width < 32768 && left() >= kChannels && bytes_[at_] == 2 &&
           bytes_[at_ + 1] == 2 && big16(bytes_, at_ + 2) == width;
  }

 private:
  ByteSpan bytes_;
  size_t at_ = 0;
  const std::string& name_;
};

struct Sides {
  uint32_t width = 0, height = 0;
};

/// "-Y 480 +X 640": rows from the top, which is how nearly all are stored.
Sides parse_sides(const std::string& line, const std::string& name) {
  Sides sides;
  const char* end = line.data() + line.size();
  const size_t x_at = line.find(" +X ");
  if (!line.starts_with("-Y ") || x_at == std::string::npos) {
    throw_damaged(
        name, "HDR",
        "expected a line \"-Y <height> +X <width>\", found \"" + printable(line, 60) + "\"");
  }
  const auto y = std::from_chars(line.data() + 3, end, sides.height);
  const auto x = std::from_chars(line.data() + x_at + 4, end, sides.width);
  if (y.ec != std::errc() || x.ec != std::errc()) {
    throw_damaged(name, "HDR", "its sides are not numbers");
  }
  check_dimensions(sides.width, sides.height, name);
  return sides;
}

/// One channel of a packed row into every fourth byte of `row`.
void unpack_channel(Reader& reader, std::vector<uint8_t>& row, size_t channel,
                    const std::string& name) {
  const size_t width = row.size() / kChannels;
  for (size_t x = 0; x < width;) {
    const unsigned code = reader.byte();
    const bool repeats = code > 128;
    const size_t count = repeats ? code - 128 : code;
    if (count == 0 || count > width - x) throw_damaged(name, "HDR", "a run leaves its row");
    uint8_t value = repeats ? reader.byte() : uint8_t{0};
    for (size_t k = 0; k < count; ++k, ++x) {
      if (!repeats) value = reader.byte();
      row[x * kChannels + channel] = value;
    }
  }
}

void read_row(Reader& reader, std::vector<uint8_t>& row, const std::string& name) {
  if (!reader.packed_row(row.size() / kChannels)) {
    for (uint8_t& value : row) value = reader.byte();
    return;
  }
  for (size_t k = 0; k < kChannels; ++k) reader.byte();
  for (size_t channel = 0; channel < kChannels; ++channel) {
    unpack_channel(reader, row, channel, name);
  }
}

/// Linear light to 8 bits with gamma 2.2, as stb_image shows such pictures; 1.0 is white.
uint8_t to_8_bits(uint8_t mantissa, uint8_t exponent) {
  if (exponent == 0) return 0;
  const double light = std::ldexp(static_cast<double>(mantissa), exponent - (128 + 8));
  return static_cast<uint8_t>(std::clamp(std::pow(light, 1 / 2.2) * 255 + 0.5, 0.0, 255.0));
}

}  // namespace

Image decode_hdr(ByteSpan bytes, const std::string& name) {
  Reader reader(bytes, name);
  bool is_rgbe = false;
  for (std::string line = reader.line(); !line.empty(); line = reader.line()) {
    if (line == "FORMAT=32-bit_rle_rgbe") is_rgbe = true;
  }
  if (!is_rgbe) throw_damaged(name, "HDR", "it lacks the line FORMAT=32-bit_rle_rgbe");
  const Sides sides = parse_sides(reader.line(), name);
  // A run of 127 takes two bytes.
  if (uint64_t{sides.width} * sides.height * kChannels > uint64_t{reader.left()} * 64) {
    throw_damaged(name, "HDR", "its pixels end too early");
  }
  Image image(static_cast<int>(sides.width), static_cast<int>(sides.height));
  std::vector<uint8_t> row(sides.width * kChannels);
  for (int y = 0; y < image.height; ++y) {
    read_row(reader, row, name);
    for (size_t x = 0; x < sides.width; ++x) {
      const uint8_t* pixel = &row[x * kChannels];
      uint8_t* rgb = image.at(static_cast<int>(x), y);
      for (size_t c = 0; c < 3; ++c) rgb[c] = to_8_bits(pixel[c], pixel[3]);
    }
  }
  return image;
}

}  // namespace sd::image
