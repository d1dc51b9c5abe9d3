#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sd/image.h"

namespace sd::pipeline {

/// A latent of Stable Diffusion v1 as a picture, coarsely, a pixel a value: z [N, 4, h, w] →
/// [N, 3, h, w], about [-1, 1].
at::Tensor linear_preview(const at::Tensor& z);

/// Pictures of one size in a square, or nearly.
Image side_by_side(const std::vector<Image>& pictures);

}  // namespace sd::pipeline
