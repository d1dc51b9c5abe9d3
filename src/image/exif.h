#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "image/image.h"

namespace sd::image {

/// The EXIF orientation of a picture's file, 1 to 8; 1 (upright) when it has none that makes sense.
/// JPEG, PNG and WebP may have one; a TIFF's is heeded by decode_image, so it is upright. Damage is
/// for decode_image to report.
int exif_orientation(std::span<const uint8_t> bytes);

/// The EXIF texts of a picture's file, in UTF-8; "" or absent where it has none that makes sense.
struct ExifTexts {
  /// UserComment, where programs keep a picture's parameters if its format has no text chunks.
  std::string user_comment;
  std::string image_description;  ///< where our own record is
  /// Others by the tags' names: Make, Model, Software, MakerNote.
  std::vector<std::pair<std::string, std::string>> others;
};

ExifTexts exif_texts(std::span<const uint8_t> bytes);

/// The picture turned and mirrored as that orientation asks, so that it stands upright. 1, and what
/// is not from 1 to 8, change nothing.
Image apply_orientation(const Image& image, int orientation);

}  // namespace sd::image
