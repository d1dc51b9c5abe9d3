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

/// What people take for a picture we would read, by the bytes at a place.
struct Unread {
  size_t at;
  std::string_view text;
  const char* what;
  const char* way = "convert it to PNG first";
};

constexpr Unread kUnread[] = {
    {4, "ftyp", "a HEIF or AVIF picture, or a video"},
    {4, "jP  ", "a JPEG 2000 picture"},
    {4, "JXL ", "a JPEG XL picture"},
    {0, "\xFF\x0A", "a JPEG XL picture"},
    {0, "<svg", "an SVG or XML text"},
    {0, "<?xml", "an SVG or XML text"},
    {0, "%PDF", "a PDF"},
    {0, {"\0\0\1\0", 4}, "an icon"},
    {0, "icns", "an icon"},
    {0, "DDS ", "a DDS texture"},
    {0, "v/1\x01", "an OpenEXR picture"},
    {0, "qoif", "a QOI picture"},
    {0, "PF", "a PFM picture"},
    {0, "Pf", "a PFM picture"},
    {0, "P7", "a PAM picture"},
    {0, "<", "a web page", "download the picture itself"},
    {0, "version https://git-lfs", "a Git LFS pointer", "fetch the file itself with git lfs pull"},
    {0, "PK\x03\x04", "a zip archive", "unpack it, and give a picture that is in it"}};

[[noreturn]] void throw_unknown(ByteSpan bytes, const std::string& name) {
  const std::string expected =
      name + ": expected a PNG, JPEG, WebP, TIFF, GIF, BMP, PNM, TGA, PSD or HDR picture, found ";
  if (bytes.empty()) throw Error(ErrorKind::kFile, expected + "an empty file");
  for (const Unread& format : kUnread) {
    if (!has_text(bytes, format.text, format.at)) continue;
    throw Error(ErrorKind::kFile, expected + format.what, format.way);
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
