#include <webp/decode.h>
#include <webp/demux.h>

#include "image/formats/webp_file.h"

namespace sd::image {
namespace {

/// The most pixels that a file of that size can hold. A lossy picture takes two bits at least for a
/// block of 16x16. A lossless one may have any size if it has one color.
uint64_t most_pixels(ByteSpan bytes) { return uint64_t{bytes.size()} * 4 * 256; }

/// The first frame. A still picture is one frame.
struct Frame {
  explicit Frame(const WebPDemuxer* file) : found(WebPDemuxGetFrame(file, 1, &iterator) == 1) {}
  ~Frame() { WebPDemuxReleaseIterator(&iterator); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  WebPIterator iterator = {};
  bool found;
};

}  // namespace

WebpFile::WebpFile(ByteSpan bytes)
    : data_{bytes.data(), bytes.size()}, file_(WebPDemux(&data_), WebPDemuxDelete) {}

std::vector<uint8_t> WebpFile::chunk(const char* type) const {
  WebPChunkIterator chunk = {};
  std::vector<uint8_t> bytes;
  if (file_ != nullptr && WebPDemuxGetChunk(file_.get(), type, 1, &chunk) == 1) {
    bytes.assign(chunk.chunk.bytes, chunk.chunk.bytes + chunk.chunk.size);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

bool is_lossy_webp(ByteSpan bytes) {
  constexpr int kLossless = 2;
  const WebpFile file(bytes);
  const Frame frame(file.get());
  WebPBitstreamFeatures features = {};
  if (!frame.found) return false;
  const WebPData& data = frame.iterator.fragment;
  return WebPGetFeatures(data.bytes, data.size, &features) == VP8_STATUS_OK &&
         features.format != kLossless;
}

Image decode_webp(ByteSpan bytes, const std::string& name) {
  const WebpFile file(bytes);
  const Frame frame(file.get());
  if (!frame.found) throw_damaged(name, "WebP", "it is cut short, or has no frame");
  const uint32_t width = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH);
  const uint32_t height = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT);
  check_dimensions(width, height, name);
  check_claim(width, height, most_pixels(bytes), name);
  const WebPIterator& at = frame.iterator;
  const auto inside = [](int offset, int size, uint32_t whole) {
    return offset >= 0 && size > 0 &&
           static_cast<uint32_t>(offset) + static_cast<uint32_t>(size) <= whole;
  };
  if (!inside(at.x_offset, at.width, width) || !inside(at.y_offset, at.height, height)) {
    throw_damaged(name, "WebP", "its first frame leaves the picture");
  }
  Image image(static_cast<int>(width), static_cast<int>(height));  // black around the frame
  uint8_t* to = image.at(at.x_offset, at.y_offset);
  const size_t room = image.rgb.size() - static_cast<size_t>(to - image.rgb.data());
  const auto stride = static_cast<int>(image.stride());
  if (WebPDecodeRGBInto(at.fragment.bytes, at.fragment.size, to, room, stride) == nullptr) {
    throw_damaged(name, "WebP", "its pixels cannot be decoded");
  }
  return image;
}

std::optional<GrayImage> webp_alpha(ByteSpan bytes, const std::string& name) {
  WebPBitstreamFeatures features = {};
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK ||
      features.has_alpha == 0 || features.has_animation != 0) {
    return std::nullopt;
  }
  const auto width = static_cast<uint32_t>(features.width);
  const auto height = static_cast<uint32_t>(features.height);
  check_dimensions(width, height, name);
  check_claim(width, height, most_pixels(bytes), name);
  GrayImage alpha(features.width, features.height);
  std::vector<uint8_t> rgba(4 * alpha.values.size());
  if (WebPDecodeRGBAInto(bytes.data(), bytes.size(), rgba.data(), rgba.size(), 4 * alpha.width) ==
      nullptr) {
    throw_damaged(name, "WebP", "its pixels cannot be decoded");
  }
  for (size_t i = 0; i < alpha.values.size(); ++i) alpha.values[i] = rgba[4 * i + 3];
  return alpha;
}

}  // namespace sd::image
