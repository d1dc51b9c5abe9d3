#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "image/png_metadata.h"

namespace sd::image {

/// The keyword of an XMP packet among a picture's texts, in every format.
inline constexpr const char* kXmpKeyword = "XML:com.adobe.xmp";
/// The text that AUTOMATIC1111's web UI writes: chunk "parameters" of a PNG, UserComment in EXIF.
inline constexpr const char* kParametersKeyword = "parameters";
/// Our own record: a chunk of that name, ImageDescription in EXIF.
inline constexpr const char* kRecordKeyword = "stable-diffusion";

/// Every text that programs put beside a picture's pixels, in UTF-8: a PNG's text chunks by their
/// keywords; of PNG, JPEG and WebP the EXIF UserComment and our own record under the keywords
/// above, other EXIF texts as "exif:Make" and so on, the XMP packet as kXmpKeyword; a JPEG's
/// comments by what stands before their first NUL, else as "Comment". `name` is what messages call
/// the bytes. Throws Error(kFile) when they are neither PNG, JPEG nor WebP, or a PNG is damaged
/// (see decode_png_metadata).
PngMetadata picture_texts(std::span<const uint8_t> bytes, const std::string& name);

/// The two texts as EXIF data; others are left out. Empty where there is none. The record, JSON, is
/// written in ASCII. Where it is more than a JPEG's segment holds, it is left out.
std::string texts_as_exif(const PngMetadata& metadata);

}  // namespace sd::image
