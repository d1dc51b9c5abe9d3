#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "image/image.h"

namespace sd::safety {

/// transformers' CLIPFeatureExtractor: its names. Defaults: CLIP's own.
struct ClipInputConfig {
  int size = 224;       ///< pixels of the shorter side after resizing
  int crop_size = 224;  ///< pixels of both sides of the middle that is kept; at most `size`
  std::array<float, 3> image_mean = {0.48145466F, 0.4578275F, 0.40821073F};
  std::array<float, 3> image_std = {0.26862954F, 0.26130258F, 0.27577711F};
};

/// A picture as CLIP's vision tower takes it: [1, 3, crop_size, crop_size] f32, bit for bit what
/// CLIPFeatureExtractor of transformers 4.19.2 gives: bicubic as Pillow's, the middle, 0…1, less
/// the mean, over the deviation. Throws kUsage for a picture without pixels, or one so narrow that
/// its longer side would become too large.
at::Tensor clip_input(const Image& image, const ClipInputConfig& config);

/// The 8-bit picture that the reference's checker is given: picture [3, H, W], about [-1, 1] →
/// [0, 1], times 255, *rounded* (diffusers' numpy_to_pil), while the one that is saved is cut.
/// Throws kInternal if a value is not a number or the shape is another.
Image rounded_image(const at::Tensor& picture);

}  // namespace sd::safety
