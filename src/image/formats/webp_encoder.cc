#include <webp/encode.h>
#include <webp/mux.h>

#include <memory>

#include "image/encode.h"
#include "sd/error.h"

namespace sd::image {
namespace {

[[noreturn]] void fail(const char* why) {
  throw Error(ErrorKind::kUsage, std::string("a WebP cannot be made: ") + why,
              "a side may have 16383 pixels; `format` png has no such limit");
}

struct FreeBytes {
  void operator()(uint8_t* bytes) const { WebPFree(bytes); }
};
struct DeleteMux {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};

std::string with_exif(const WebPData& picture, const std::string& exif) {
  const std::unique_ptr<WebPMux, DeleteMux> mux(WebPMuxNew());
  const WebPData chunk = {reinterpret_cast<const uint8_t*>(exif.data()), exif.size()};
  WebPData file = {};
  const bool made = mux != nullptr &&
                    WebPMuxSetImage(mux.get(), &picture, /*copy_data=*/0) == WEBP_MUX_OK &&
                    WebPMuxSetChunk(mux.get(), "EXIF", &chunk, /*copy_data=*/0) == WEBP_MUX_OK &&
                    WebPMuxAssemble(mux.get(), &file) == WEBP_MUX_OK;
  std::string bytes(reinterpret_cast<const char*>(file.bytes), file.size);
  WebPDataClear(&file);
  if (!made) fail("its parts cannot be put together");
  return bytes;
}

}  // namespace

std::string encode_webp(const Image& image, const std::string& exif, int quality) {
  uint8_t* out = nullptr;
  const size_t size = WebPEncodeRGB(image.rgb.data(), image.width, image.height, image.width * 3,
                                    static_cast<float>(quality), &out);
  const std::unique_ptr<uint8_t, FreeBytes> bytes(out);
  if (size == 0) fail("the picture cannot be encoded");
  if (exif.empty()) return {reinterpret_cast<const char*>(bytes.get()), size};
  return with_exif({bytes.get(), size}, exif);
}

}  // namespace sd::image
