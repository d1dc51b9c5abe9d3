#pragma once

#include <ATen/core/Tensor.h>

#include "sd/image.h"

namespace sd::pipeline {

/// [3, H, W] about [-1, 1] → 8 bits, as the reference: clamped, times 255, cut and not rounded.
/// What is not a number becomes 0. A picture on a card is made into bytes there.
Image tensor_to_image(const at::Tensor& picture);

/// The picture's bytes, [1, 3, H, W].
at::Tensor image_bytes(const Image& image);

/// Bytes → float32 in [-1, 1] as the reference's load_img: over 255, doubled, less one.
at::Tensor bytes_to_tensor(const at::Tensor& bytes);

}  // namespace sd::pipeline
