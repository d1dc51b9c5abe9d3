#include <cstdlib>

#include "image/encode.h"
#include "image/exif_writer.h"
#include "image/formats/jpeg_errors.h"
#include "sd/error.h"

namespace sd::image {
namespace {

/// What libjpeg allocates; freed whatever happens.
struct Buffer {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  ~Buffer() { std::free(bytes); }
};

/// False, with the message in `errors`, where libjpeg fails. (No object may be made here that a
/// jump would skip.)
bool write(const Image& image, const std::string& segment, int quality, JpegErrors* errors,
           Buffer* out) {
  jpeg_compress_struct info = {};
  info.err = jpeg_std_error(&errors->base);
  errors->base.error_exit = on_jpeg_error;
  if (setjmp(errors->back) != 0) {
    jpeg_destroy_compress(&info);
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &out->bytes, &out->size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.optimize_coding = TRUE;
  jpeg_start_compress(&info, TRUE);
  if (!segment.empty()) {
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(segment.data()),
                      static_cast<unsigned>(segment.size()));
  }
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return true;
}

}  // namespace

std::string encode_jpeg(const Image& image, const std::string& exif, int quality) {
  const std::string segment = exif.empty() ? "" : std::string(kExifSegment) + exif;
  JpegErrors errors;
  Buffer out;
  if (!write(image, segment, quality, &errors, &out)) {
    throw Error(ErrorKind::kUsage, std::string("a JPEG cannot be made: ") + errors.message,
                "`format` png has no such limits");
  }
  return {reinterpret_cast<const char*>(out.bytes), out.size};
}

}  // namespace sd::image
