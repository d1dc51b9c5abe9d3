#include "job/init_image.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "image/exif.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "image/masking.h"
#include "job/inpaint_image.h"
#include "sd/error.h"

namespace sd::job {
namespace {

std::string size_text(int64_t width, int64_t height) { return fmt::format("{}x{}", width, height); }

/// The size within `fit`, of the same shape; never larger than it is.
FitSize size_within(const FitSize& own, const FitSize& fit) {
  if (own.width <= fit.width && own.height <= fit.height) return own;
  const int64_t width = own.width, height = own.height;
  const auto side = [](int64_t pixels) { return static_cast<int>(std::max<int64_t>(1, pixels)); };
  if (width * fit.height >= height * fit.width) {  // the width decides
    return {fit.width, side(height * fit.width / width)};
  }
  return {side(width * fit.height / height), fit.height};
}

/// All that a picture hangs on.
std::string key_of(const InitSettings& init, const AskedSize& asked) {
  const FitSize fit = init.fit.value_or(FitSize());
  const MaskSettings& mask = init.mask;
  std::string key = init.file + "\n" + size_text(fit.width, fit.height) + "\n" +
                    size_text(asked.width.value_or(0), asked.height.value_or(0)) +
                    (init.exif ? " upright" : "");
  if (mask.outpaint) {
    const Margins& by = *mask.outpaint;
    key += fmt::format("\n{},{},{},{}", by.left, by.top, by.right, by.bottom);
  }
  return key + "\n" + mask.file +
         fmt::format("\n{} {} {} {} {} {} {} {:g} {}", static_cast<int>(mask.resize),
                     mask.mode ? static_cast<int>(*mask.mode) : -1, mask.invert ? 1 : 0,
                     static_cast<int>(mask.fill), mask.only_masked ? 1 : 0, mask.soft ? 1 : 0,
                     mask.no_paste ? 1 : 0, mask.blur.value_or(-1), mask.padding);
}

Image upright(const Image& image, const InitSettings& init, const std::vector<uint8_t>& bytes) {
  return init.exif ? image::apply_orientation(image, image::exif_orientation(bytes)) : image;
}

/// Throws where a picture that was to grow would be resized for the model.
void check_growth(const FitSize& grown, int multiple) {
  const int right = (multiple - grown.width % multiple) % multiple;
  const int bottom = (multiple - grown.height % multiple) % multiple;
  if (right == 0 && bottom == 0) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("`outpaint` makes the picture {}: its sides must be multiples of {}",
                          size_text(grown.width, grown.height), multiple),
              fmt::format("extend it by {} more pixels across and {} more down", right, bottom));
}

}  // namespace

InitPicture InitImages::get(const InitSettings& init, const AskedSize& asked) {
  if (init.file.empty()) {
    throw Error(ErrorKind::kUsage, "there is no picture to start from",
                "give one with `init_image`");
  }
  const std::string key = key_of(init, asked);
  auto known = images_.find(key);
  if (known == images_.end()) known = images_.emplace(key, load(init, asked)).first;
  return known->second;
}

void InitImages::forget_all_but(const std::string& file) {
  std::erase_if(images_, [&](const auto& image) { return !image.first.starts_with(file + "\n"); });
}

/// The size that a picture, grown, is drawn at; says so where it is not its own.
FitSize InitImages::drawn_size(const InitSettings& init, const AskedSize& asked,
                               const Image& image) const {
  const std::string& path = init.file;
  const auto multiple = static_cast<int>(model_.size_multiple);
  const Margins by = init.mask.outpaint.value_or(Margins());
  const FitSize own = {image.width + by.left + by.right, image.height + by.top + by.bottom};
  const FitSize size = init.fit ? size_within(own, *init.fit) : own;
  if (init.mask.outpaint && !init.fit && !asked.any() && !init.mask.only_masked) {
    check_growth(size, multiple);
  }
  const int width = static_cast<int>(asked.width.value_or(size.width / multiple * multiple));
  const int height = static_cast<int>(asked.height.value_or(size.height / multiple * multiple));
  if (width == 0 || height == 0) {
    throw Error(ErrorKind::kFile,
                fmt::format("the init image {} is {}: each side must have at least {} pixels",
                            printable(path), size_text(size.width, size.height), multiple),
                "enlarge it first, or give `fit` more room");
  }
  if (std::max(width, height) > kMaxSide) {
    throw Error(ErrorKind::kFile,
                fmt::format("the init image {} is {}: a side may have at most {} pixels",
                            printable(path), size_text(size.width, size.height), kMaxSide),
                "shrink it with `fit`, such as 1024x1024");
  }
  if (width == own.width && height == own.height) return {width, height};
  if (init.mask.only_masked) return {width, height};
  constexpr int kReferenceMultiple = 32;
  const bool as_wanted = init.fit || asked.any() ||
                         (width == own.width / kReferenceMultiple * kReferenceMultiple &&
                          height == own.height / kReferenceMultiple * kReferenceMultiple);
  notice(fmt::format(
      "init image: {} is resized from {} to {}{}", printable(path),
      size_text(own.width, own.height), size_text(width, height),
      as_wanted
          ? ""
          : fmt::format(" (multiples of {}: the model cannot draw the reference's multiples of 32)",
                        multiple)));
  return {width, height};
}

InitPicture InitImages::load(const InitSettings& init, const AskedSize& asked) const {
  const std::vector<uint8_t> bytes = image::read_file_bytes(init.file);  // once: it may be a pipe
  const Image image = upright(image::decode_image(bytes, init.file), init, bytes);
  const FitSize size = drawn_size(init, asked, image);
  if (!init.mask.any()) {
    return {std::make_shared<const Image>(
                image::fit_image(image, init.mask.resize, size.width, size.height)),
            nullptr};
  }
  std::optional<GrayImage> alpha;
  if (wants_alpha(init)) alpha = image::decode_alpha(bytes, init.file);
  if (alpha) alpha = image::to_gray(upright(image::to_rgb(*alpha), init, bytes));
  return inpaint_picture(init, image, alpha, size);
}

}  // namespace sd::job
