#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "image/png_metadata.h"

namespace sd {

/// The text that AUTOMATIC1111's web UI writes: chunk "parameters" of a PNG, UserComment in EXIF.
inline constexpr const char* kParametersKeyword = "parameters";
/// Our own record: a chunk of that name, ImageDescription in EXIF.
inline constexpr const char* kRecordKeyword = "stable-diffusion";

/// The texts of a picture: a PNG's chunks; of a JPEG or WebP, which have none, those two of its
/// EXIF data under the keywords above. Throws Error(kFile) as decode_png_metadata.
PngMetadata picture_texts(std::span<const uint8_t> bytes, const std::string& name);

/// The two texts as EXIF data; others are left out. Empty where there is none. The record, JSON, is
/// written in ASCII. Where it is more than a JPEG's segment holds, it is left out.
std::string texts_as_exif(const PngMetadata& metadata);

}  // namespace sd
