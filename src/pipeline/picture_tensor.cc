#include "pipeline/picture_tensor.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace sd::pipeline {

Image tensor_to_image(const at::Tensor& picture) {
  const at::Tensor bytes = ((picture + 1.0) / 2.0)
                               .clamp(0.0, 1.0)
                               .mul(255.0)
                               .nan_to_num_(0)
                               .permute({1, 2, 0})
                               .to(at::kByte)
                               .contiguous()
                               .to(at::kCPU);  // [H, W, 3]
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
  std::copy_n(bytes.const_data_ptr<uint8_t>(), image.rgb.size(), image.rgb.begin());
  return image;
}

at::Tensor image_bytes(const Image& image) {
  at::Tensor bytes = at::empty({1, image.height, image.width, 3}, at::kByte);
  std::copy(image.rgb.begin(), image.rgb.end(), bytes.data_ptr<uint8_t>());
  return bytes.permute({0, 3, 1, 2});
}

at::Tensor bytes_to_tensor(const at::Tensor& bytes) {
  return bytes.to(at::kFloat).div_(255.0).mul_(2.0).sub_(1.0);
}

}  // namespace sd::pipeline
