#include "image/image_io.h"

#include <fmt/core.h>

#include <algorithm>

#include "image/file_bytes.h"
#include "image/formats/decoders.h"

namespace sd::image {
namespace {

bool is_pnm(ByteSpan bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
         (bytes[2] == '#' || bytes[2] == ' ' || (bytes[2] >= '\t' && bytes[2] <= '\r'));
}

bool is_hdr(ByteSpan bytes) {
  return has_text(bytes, "#?RADIANCE\n") || has_text(bytes, "#?RGBE\n");
}

/// What the bytes are, if it is something that people take for a picture we would read.
const char* unread_format(ByteSpan bytes) {
  if (has_text(bytes, "ftyp", 4)) return "a HEIF or AVIF picture, or a video";
  if (has_text(bytes, "<svg") || has_text(bytes, "<?xml")) return "an SVG or XML text";
  if (has_text(bytes, "%PDF")) return "a PDF";
  return nullptr;
}

[[noreturn]] void throw_unknown(ByteSpan bytes, const std::string& name) {
  const std::string expected =
      name + ": expected a PNG, JPEG, WebP, TIFF, GIF, BMP, PNM, TGA, PSD or HDR picture, found ";
  if (bytes.empty()) throw Error(ErrorKind::kFile, expected + "an empty file");
  if (const char* what = unread_format(bytes)) {
    throw Error(ErrorKind::kFile, expected + what, "convert it to PNG first");
  }
  std::string start;
  for (const uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 8))) {
    start += fmt::format(" {:02x}", byte);
  }
  throw Error(ErrorKind::kFile, expected + "a file that starts with" + start);
}

}  // namespace

Image decode_image(std::span<const uint8_t> bytes, const std::string& name) {
  if (has_text(bytes, kPngSignature)) return decode_png(bytes, name);
  if (has_text(bytes, kJpegSignature)) return decode_jpeg(bytes, name);
  if (has_text(bytes, "GIF87a") || has_text(bytes, "GIF89a")) return decode_gif(bytes, name);
  if (is_webp(bytes)) return decode_webp(bytes, name);
  if (is_tiff(bytes)) return decode_tiff(bytes, name);
  if (has_text(bytes, "BM")) return decode_bmp(bytes, name);
  if (is_pnm(bytes)) return decode_pnm(bytes, name);
  if (has_text(bytes, "8BPS")) return decode_psd(bytes, name);
  if (is_hdr(bytes)) return decode_hdr(bytes, name);
  if (is_tga(bytes, name)) return decode_tga(bytes, name);
  throw_unknown(bytes, name);
}

const char* lossy_format(std::span<const uint8_t> bytes) {
  if (has_text(bytes, kJpegSignature)) return "JPEG";
  return is_webp(bytes) && is_lossy_webp(bytes) ? "WebP" : "";
}

std::optional<GrayImage> decode_alpha(std::span<const uint8_t> bytes, const std::string& name) {
  if (has_text(bytes, kPngSignature)) return png_alpha(bytes, name);
  if (is_webp(bytes)) return webp_alpha(bytes, name);
  return std::nullopt;
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file_bytes(path), path.string());
}

}  // namespace sd::image
