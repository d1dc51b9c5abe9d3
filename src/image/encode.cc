#include "image/encode.h"

#include "image/image_io.h"
#include "image/picture_texts.h"
#include "sd/error.h"

namespace sd::image {

std::string encode_picture(const Image& image, const PngMetadata& metadata, PictureFormat format,
                           int64_t quality) {
  if (format == PictureFormat::kPng) return encode_png(image, metadata);
  if (image.empty()) throw Error(ErrorKind::kUsage, "a picture without pixels cannot be written");
  const std::string exif = texts_as_exif(metadata);
  const int whole = static_cast<int>(quality);
  return format == PictureFormat::kJpeg ? encode_jpeg(image, exif, whole)
                                        : encode_webp(image, exif, whole);
}

}  // namespace sd::image
