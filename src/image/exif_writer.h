#pragma once

#include <string>
#include <string_view>

namespace sd::image {

/// EXIF data, a TIFF structure: `comment` as the UserComment in UTF-16 (big-endian, as
/// AUTOMATIC1111's web UI writes a picture's parameters), `description`, ASCII, as the
/// ImageDescription. Empty ones are left out. The comment is UTF-8.
std::string make_exif(std::string_view comment, std::string_view description);

/// What begins a JPEG's segment of such data.
inline constexpr std::string_view kExifSegment("Exif\0\0", 6);

}  // namespace sd::image
