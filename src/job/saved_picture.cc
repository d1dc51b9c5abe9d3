#include "job/saved_picture.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/log.h"
#include "image/encode.h"
#include "image/resize.h"
#include "image/watermark.h"
#include "runtime/profile.h"
#include "sd/request.h"

namespace sd::job {

FitSize saved_size(int width, int height, int64_t longest) {
  const int64_t longer = std::max(width, height);
  if (longest == 0 || longer <= longest) return {width, height};
  const auto shrunk = [&](int64_t side) {
    return static_cast<int>(std::max<int64_t>(1, (side * longest + longer / 2) / longer));
  };
  return {shrunk(width), shrunk(height)};
}

std::optional<FitSize> saved_size(const PictureRecord& record) {
  if (!record.mask_sha256.empty()) return std::nullopt;
  const FitSize drawn = result_size(record.settings.batch);
  return saved_size(drawn.width, drawn.height, record.settings.output.save_size);
}

/// The watermark is part of the reference; small pictures cannot carry it.
Image saved_picture(Image image, const std::string& watermark, int64_t longest) {
  const FitSize size = saved_size(image.width, image.height, longest);
  if (size != FitSize{image.width, image.height}) {
    const runtime::Zone zone("resize");
    image = image::resize(image, size.width, size.height, image::ResizeFilter::kLanczos);
  }
  if (watermark.empty()) return image;
  const runtime::Zone zone("watermark");
  static std::atomic<bool> said_too_small = false;
  if (!image::embed_watermark(image, watermark) && !said_too_small.exchange(true)) {
    notice("watermark: left out, pictures below 256x256 pixels cannot carry it");
  }
  return image;
}

std::string watermark_of(const Settings& settings) {
  return settings.no_watermark ? "" : settings.watermark;
}

std::string encode_saved(Image image, const std::string& watermark,
                         const image::PngMetadata& metadata, const OutputSettings& output) {
  const Image saved = saved_picture(std::move(image), watermark, output.save_size);
  const runtime::Zone zone("PNG");
  return image::encode_picture(saved, metadata, output.format, output.quality);
}

std::string encode_saved(Image image, const std::optional<PictureRecord>& record,
                         const Settings& settings) {
  return encode_saved(std::move(image), watermark_of(settings),
                      record ? metadata_of(*record) : image::PngMetadata(), settings.output);
}

}  // namespace sd::job
