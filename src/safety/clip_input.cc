#include "safety/clip_input.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>

#include "base/strings.h"
#include "image/resize.h"
#include "sd/error.h"

namespace sd::safety {
namespace {

/// The shorter side becomes `size`, the longer one is cut to a whole number, as Python's
/// int(size * long / short).
Image resize_shorter_side(const Image& image, int size) {
  const int shorter = std::min(image.width, image.height);
  if (shorter == size || image.empty()) return image;
  const double product = static_cast<double>(size) * std::max(image.width, image.height);
  const int longer = static_cast<int>(product / shorter);
  return image.width <= image.height
             ? image::resize(image, size, longer, image::ResizeFilter::kBicubic)
             : image::resize(image, longer, size, image::ResizeFilter::kBicubic);
}

Image crop_center(const Image& image, int side) {
  // The feature extractor's int((image - crop + 1) * 0.5): an odd rest is rounded up.
  return image::crop(image, (image.width - side + 1) / 2, (image.height - side + 1) / 2, side,
                     side);
}

/// Three numbers as a column that meets the channels: [3, 1, 1].
at::Tensor for_channels(const std::array<float, 3>& values) {
  return at::tensor(at::ArrayRef<float>(values)).reshape({3, 1, 1});
}

}  // namespace

at::Tensor clip_input(const Image& image, const ClipInputConfig& config) {
  Image middle = crop_center(resize_shorter_side(image, config.size), config.crop_size);
  const at::Tensor bytes =
      at::from_blob(middle.rgb.data(), {middle.height, middle.width, 3}, at::kByte);
  const at::Tensor unit = bytes.permute({2, 0, 1}).to(at::kFloat).div(255.0);  // [3, side, side]
  const at::Tensor normal =
      (unit - for_channels(config.image_mean)) / for_channels(config.image_std);
  return normal.unsqueeze(0).contiguous();
}

Image rounded_image(const at::Tensor& picture) {
  if (picture.dim() != 3 || picture.size(0) != 3) {
    throw Error(ErrorKind::kInternal,
                "expected a picture [3, H, W], found " + shape_string(picture.sizes().vec()));
  }
  const at::Tensor values = picture.to(at::kCPU, at::kFloat);
  if (values.isnan().any().item<bool>()) {
    throw Error(ErrorKind::kInternal, "the picture has values that are not numbers");
  }
  const at::Tensor bytes = ((values + 1.0) / 2.0)
                               .clamp(0.0, 1.0)
                               .mul(255.0)
                               .round()
                               .to(at::kByte)
                               .permute({1, 2, 0})  // [3, H, W] → [H, W, 3]
                               .contiguous();
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
  std::copy_n(bytes.const_data_ptr<uint8_t>(), image.rgb.size(), image.rgb.begin());
  return image;
}

}  // namespace sd::safety
