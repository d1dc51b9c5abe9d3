#include "job/init_image.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "image/exif.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "image/resize.h"
#include "sd/error.h"

namespace sd {
namespace {

std::string size_text(int64_t width, int64_t height) {
  return format("%lldx%lld", static_cast<long long>(width), static_cast<long long>(height));
}

/// The size within `fit`, of the same shape; never larger than it is.
FitSize fitted(const Image& image, const FitSize& fit) {
  if (image.width <= fit.width && image.height <= fit.height) return {image.width, image.height};
  const int64_t width = image.width, height = image.height;
  const auto side = [](int64_t pixels) { return static_cast<int>(std::max<int64_t>(1, pixels)); };
  if (width * fit.height >= height * fit.width) {  // the width decides
    return {fit.width, side(height * fit.width / width)};
  }
  return {side(width * fit.height / height), fit.height};
}

}  // namespace

std::shared_ptr<const Image> InitImages::get(const InitSettings& init) {
  if (init.file.empty()) {
    throw Error(ErrorKind::kUsage, "there is no picture to start from",
                "give one with `init_image`");
  }
  const FitSize fit = init.fit.value_or(FitSize());
  const std::string key =
      init.file + "\n" + size_text(fit.width, fit.height) + (init.exif ? " upright" : "");
  auto known = images_.find(key);
  if (known == images_.end()) known = images_.emplace(key, load(init)).first;
  return known->second;
}

std::shared_ptr<const Image> InitImages::load(const InitSettings& init) const {
  const std::string& path = init.file;
  const std::vector<uint8_t> bytes = read_file_bytes(path);  // once: it may be a pipe
  Image image = decode_image(bytes, path);
  if (init.exif) image = apply_orientation(image, exif_orientation(bytes));
  const FitSize size = init.fit ? fitted(image, *init.fit) : FitSize{image.width, image.height};
  const auto multiple = static_cast<int>(model_.size_multiple);
  const int width = size.width / multiple * multiple;
  const int height = size.height / multiple * multiple;
  if (width == 0 || height == 0) {
    throw Error(
        ErrorKind::kFile,
        format("the init image %s is %s: it must have %d pixels a side at least",
               printable(path).c_str(), size_text(size.width, size.height).c_str(), multiple),
        "enlarge it first, or give `fit` more room");
  }
  if (std::max(width, height) > kMaxSide) {
    throw Error(ErrorKind::kFile,
                format("the init image %s is %s: a side may have %lld pixels at most",
                       printable(path).c_str(), size_text(size.width, size.height).c_str(),
                       static_cast<long long>(kMaxSide)),
                "shrink it with `fit`, such as 1024x1024");
  }
  if (width != image.width || height != image.height) {
    constexpr int kReferenceMultiple = 32;
    const bool as_reference = !init.fit &&
                              width == image.width / kReferenceMultiple * kReferenceMultiple &&
                              height == image.height / kReferenceMultiple * kReferenceMultiple;
    notice(format(
        "init image: %s is brought from %s to %s%s", printable(path).c_str(),
        size_text(image.width, image.height).c_str(), size_text(width, height).c_str(),
        as_reference || init.fit
            ? ""
            : format(" (multiples of %d: the model cannot draw the reference's, of 32)", multiple)
                  .c_str()));
  }
  return std::make_shared<const Image>(resize(image, width, height, ResizeFilter::kLanczos));
}

}  // namespace sd
