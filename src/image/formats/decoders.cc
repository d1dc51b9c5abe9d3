#include "image/formats/decoders.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"

namespace sd::image {

void throw_damaged(const std::string& name, const char* format_name, const std::string& what) {
  throw Error(ErrorKind::kFile, name + ": a damaged " + format_name + ": " + what);
}

void require_bytes(ByteSpan bytes, size_t least, const std::string& name, const char* format_name) {
  if (bytes.size() < least) throw_damaged(name, format_name, "it is cut short");
}

void check_dimensions(uint64_t width, uint64_t height, const std::string& name) {
  if (width == 0 || height == 0) {
    throw Error(ErrorKind::kFile,
                fmt::format("{}: a picture of {}x{} has no pixels", name, width, height));
  }
  constexpr uint64_t kSide = kMaxImageSide;
  if (width > kSide || height > kSide || width * height > kMaxImagePixels) {
    throw Error(ErrorKind::kFile, fmt::format("{}: a picture of {}x{} pixels is larger than this "
                                              "program reads: at most {} a side and {} in all",
                                              name, width, height, kMaxImageSide, kMaxImagePixels));
  }
}

void check_claim(uint64_t width, uint64_t height, uint64_t held, const std::string& name) {
  constexpr uint64_t kFree = uint64_t{1} << 24;  // 48 MiB of pixels
  if (width * height <= kFree || width * height <= held) return;
  throw Error(ErrorKind::kFile,
              fmt::format("{}: {}x{} pixels are more than a file of its size can hold", name, width,
                          height));
}

void tell_clipped_gray(const std::string& name) {
  notice(name +
         ": 16-bit gray, whose values above 255 become white, as in the reference; save it "
         "with 8 bits to keep its tones");
}

bool has_text(ByteSpan bytes, std::string_view text, size_t offset) {
  return bytes.size() >= offset && bytes.size() - offset >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

bool is_webp(ByteSpan bytes) { return has_text(bytes, "RIFF") && has_text(bytes, "WEBP", 8); }

bool is_tiff(ByteSpan bytes) {
  const auto starts = [&](std::string_view text) { return has_text(bytes, text); };
  return starts({"II*\0", 4}) || starts({"MM\0*", 4}) || starts({"II+\0", 4}) ||
         starts({"MM\0+", 4});
}

void inverted_cmyk_to_rgb(const std::array<uint8_t, 4>& cmyk, uint8_t* rgb) {
  const int light = cmyk[3];
  for (size_t c = 0; c < 3; ++c) {
    const int product = (255 - cmyk[c]) * light + 128;
    const int ink = ((product >> 8) + product) >> 8;  // product / 255, rounded
    rgb[c] = static_cast<uint8_t>(std::max(light - ink, 0));
  }
}

Palette::Palette() : colours(256UL * 3) {
  for (size_t i = 0; i < colours.size(); ++i) colours[i] = static_cast<uint8_t>(i / 3);
}

void Palette::set(size_t index, uint8_t r, uint8_t g, uint8_t b) {
  colours[index * 3] = r;
  colours[index * 3 + 1] = g;
  colours[index * 3 + 2] = b;
}

}  // namespace sd::image
