#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "image/formats/libpng.h"

namespace sd::image {
namespace {

/// Two rows of 65535 pixels of 16-bit RGBA, and zlib's window.
constexpr size_t kMemory = 4U << 20;

/// Refuses a file that is too small for its sides before memory for them is asked for: deflate
/// shrinks at most 1032-fold.
void check_size(const PngReader& reader, ByteSpan bytes, const std::string& name) {
  const uint64_t height = png_get_image_height(reader.png, reader.info);
  const uint64_t needed = (png_get_rowbytes(reader.png, reader.info) + 1) * height;
  if (needed > (uint64_t{bytes.size()} + 1) * 1032) {
    throw_damaged(name, "PNG",
                  fmt::format("{}x{} pixels do not fit into its {} bytes",
                              png_get_image_width(reader.png, reader.info), height, bytes.size()));
  }
}

/// Asks for rows of 1 byte a pixel (gray or index), of 2 (gray of 16 bits), or of 3 (RGB).
void choose_rows(const PngReader& reader) {
  const unsigned depth = png_get_bit_depth(reader.png, reader.info);
  const unsigned color = png_get_color_type(reader.png, reader.info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_packing(reader.png);
  if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
  if (color != PNG_COLOR_TYPE_GRAY && depth == 16) png_set_strip_16(reader.png);
  png_set_strip_alpha(reader.png);
}

void read_rows(PngReader& reader, Image& image) {
  reader.ignore_pixel_sums();
  choose_rows(reader);
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image.height; ++y) png_read_row(reader.png, image.row(y), nullptr);
  }
}

/// Whether the last row was read. What is wrong behind it, be it that the packed data have no end,
/// is passed over, as in Pillow.
bool has_all_rows(const PngReader& reader) {
  constexpr int kPasses = 7;
  const bool interlaced = png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE;
  return interlaced ? png_get_current_pass_number(reader.png) >= kPasses
                    : png_get_current_row_number(reader.png) >=
                          png_get_image_height(reader.png, reader.info);
}

Palette palette_of(const PngReader& reader) {
  Palette palette;  // grays in order for pictures without one
  png_colorp colors = nullptr;
  int count = 0;
  if (png_get_color_type(reader.png, reader.info) != PNG_COLOR_TYPE_PALETTE) return palette;
  png_get_PLTE(reader.png, reader.info, &colors, &count);
  for (int i = 0; i < count; ++i) {
    palette.set(static_cast<size_t>(i), colors[i].red, colors[i].green, colors[i].blue);
  }
  return palette;
}

/// Widens the pixels that stand at the start of each row to RGB, the last one first.
void widen_rows(Image& image, size_t pixel_bytes, const Palette& palette) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (size_t x = static_cast<size_t>(image.width); x-- > 0;) {
      const uint8_t* from = row + x * pixel_bytes;
      // Gray of 16 bits is cut at 255, as in Pillow.
      const bool clips = pixel_bytes == 2 && from[0] > 0;
      std::copy_n(palette[clips ? 255 : from[pixel_bytes - 1]], 3, row + x * 3);
    }
  }
}

/// False once libpng has reported an error.
bool read_header(PngReader* reader, ByteSpan bytes, const std::string& name) {
  constexpr size_t kSidesAt = 16;  // in the IHDR chunk, which is first
  if (bytes.size() >= kSidesAt + 8) {
    const ByteSpan type = bytes.subspan(kSidesAt - 4, 4);
    if (has_text(type, "CgBI")) {
      throw Error(ErrorKind::kFile,
                  printable(name) + ": a PNG of an iOS program, which is no whole PNG",
                  "open it on a Mac and save it anew");
    }
    if (!has_text(type, "IHDR")) throw_damaged(name, "PNG", "its first chunk is not IHDR");
    check_dimensions(big32(bytes, kSidesAt), big32(bytes, kSidesAt + 4), name);
  }
  return reader->attempt([&] { png_read_info(reader->png, reader->info); });
}

bool has_alpha(const PngReader& reader) {
  return (png_get_color_type(reader.png, reader.info) & PNG_COLOR_MASK_ALPHA) != 0 ||
         png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0;
}

/// Reads rows of RGBA, of which only the last stays.
void read_alpha_rows(PngReader& reader, std::vector<uint8_t>* rgba, size_t stride) {
  reader.ignore_pixel_sums();
  png_set_expand(reader.png);
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t at = 0; at < rgba->size(); at += stride) {
      png_read_row(reader.png, rgba->data() + at, nullptr);
    }
  }
}

}  // namespace

std::optional<GrayImage> png_alpha(ByteSpan bytes, const std::string& name) {
  PngReader reader(bytes, kMemory);
  reader.want({"tRNS"});
  const auto check = [&](bool fine) {
    if (!fine) throw_damaged(name, "PNG", printable(reader.message()));
  };
  check(read_header(&reader, bytes, name));
  if (!has_alpha(reader)) return std::nullopt;
  check_size(reader, bytes, name);
  GrayImage alpha(static_cast<int>(png_get_image_width(reader.png, reader.info)),
                  static_cast<int>(png_get_image_height(reader.png, reader.info)));
  std::vector<uint8_t> rgba(4 * alpha.values.size());
  const size_t stride = 4 * static_cast<size_t>(alpha.width);
  check(reader.attempt([&] { read_alpha_rows(reader, &rgba, stride); }) || has_all_rows(reader));
  for (size_t i = 0; i < alpha.values.size(); ++i) alpha.values[i] = rgba[4 * i + 3];
  return alpha;
}

Image decode_png(ByteSpan bytes, const std::string& name) {
  PngReader reader(bytes, kMemory);
  const auto check = [&](bool fine) {
    if (!fine) throw_damaged(name, "PNG", printable(reader.message()));
  };
  check(read_header(&reader, bytes, name));
  check_size(reader, bytes, name);
  Image image(static_cast<int>(png_get_image_width(reader.png, reader.info)),
              static_cast<int>(png_get_image_height(reader.png, reader.info)));
  const Palette palette = palette_of(reader);
  check(reader.attempt([&] { read_rows(reader, image); }) || has_all_rows(reader));
  const size_t pixel_bytes =
      png_get_rowbytes(reader.png, reader.info) / static_cast<size_t>(image.width);
  if (pixel_bytes < 3) widen_rows(image, pixel_bytes, palette);
  if (pixel_bytes == 2) tell_clipped_gray(name);
  return image;
}

}  // namespace sd::image
