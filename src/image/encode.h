#pragma once

#include <string>

#include "image/image.h"
#include "image/png_metadata.h"
#include "sd/settings.h"

namespace sd::image {

/// The bytes of a picture's file. The texts of JPEG and WebP are in their EXIF data: see
/// `texts_as_exif`. `quality`: of JPEG and WebP, 1 to 100. The same picture gives the same bytes.
/// Throws Error(kUsage) as encode_png, and for sides that the format cannot hold.
std::string encode_picture(const Image& image, const PngMetadata& metadata, PictureFormat format,
                           int64_t quality);

/// `exif`: a TIFF structure, or empty.
std::string encode_jpeg(const Image& image, const std::string& exif, int quality);
std::string encode_webp(const Image& image, const std::string& exif, int quality);

}  // namespace sd::image
