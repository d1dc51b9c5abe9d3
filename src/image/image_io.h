#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "image/image.h"
#include "image/png_metadata.h"

namespace sd::image {

/// Reads a picture as Pillow 9.3.0's open(path).convert("RGB") does: alpha dropped and not
/// composited, palettes looked up, grays repeated, EXIF orientation left alone.
///
/// PNG, JPEG (CMYK too), WebP and GIF (their first frame), TIFF (its first picture, turned upright,
/// as Pillow does for this format alone), BMP, PNM, TGA, PSD (its merged picture), and Radiance
/// HDR, which Pillow cannot read, by gamma 2.2. 16 bits a channel keep their upper byte, but 16-bit
/// *gray* PNG and PNM is cut at 255 as in Pillow, which a notice says.
///
/// Throws Error(kFile), naming the file, what was expected and what was found, when it cannot be
/// opened or decoded, has no pixels, is cut short, or has more than kMaxImageSide pixels a side or
/// kMaxImagePixels in all (checked before memory for them is asked for).
Image read_image(const std::filesystem::path& path);

/// Reads a picture in memory; `name` is what messages call the bytes.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name);

/// "JPEG" or "WebP" for a picture whose format lost detail; "" for another, and for what is none.
const char* lossy_format(std::span<const uint8_t> bytes);

/// The alpha channel of a PNG or WebP; nothing for a picture without one, or in another format.
std::optional<GrayImage> decode_alpha(std::span<const uint8_t> bytes, const std::string& name);

enum class WriteOutcome {
  kWritten,
  kExists,  ///< something has that name already: nothing was changed, take the next one
};

/// Writes a PNG with the metadata as text chunks. The file appears under its name complete or not
/// at all, and never in place of another; the folder must exist.
/// Throws Error(kFile) when it cannot be written (nothing is left behind then), Error(kUsage) for
/// metadata that encode_png refuses.
WriteOutcome write_png(const std::filesystem::path& path, const Image& image,
                       const PngMetadata& metadata = {});

/// The bytes of that file. Throws Error(kUsage) for an empty picture, a keyword that is not 1 to 79
/// characters of printable ASCII, or a text that is not UTF-8.
std::string encode_png(const Image& image, const PngMetadata& metadata = {});

}  // namespace sd::image
