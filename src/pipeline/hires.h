#pragma once

#include <ATen/core/Tensor.h>

#include "image/image.h"
#include "sampling/sampling_plan.h"
#include "sd/request.h"

namespace sd::pipeline {

/// Sides of the second pass, in pixels.
struct HiresSize {
  int64_t enlarged_width = 0;  ///< before the surplus is cut
  int64_t enlarged_height = 0;
  int64_t width = 0;  ///< that is drawn: a multiple of 8
  int64_t height = 0;

  bool operator==(const HiresSize&) const = default;
};

/// As the web UI reckons (modules/processing.py, calculate_target_resolution), for a latent value
/// of `factor` pixels.
HiresSize hires_size(const BatchSettings& batch, int64_t factor);

/// The second pass of a request that has one, as a request of its own from a given latent: its
/// size, prompts, adapters, sampler, schedule and steps; `hires` is off. Random numbers lie where
/// the first's do.
Request second_pass(const Request& request, int64_t factor);

/// What is asked of its sampler, which starts from a picture.
sampling::SamplingSettings second_sampling(const Request& request, const Request& second);

/// Whether it enlarges the latent and not the picture.
bool enlarges_latent(HiresUpscaler upscaler);

/// Whether the first pass ends in a picture, which the second encodes.
bool encodes_first_pass(const HiresSettings& hires);

/// The latent [N, C, h, w] of the enlarged picture.
at::Tensor enlarge_latent(const at::Tensor& latent, HiresUpscaler upscaler, const HiresSize& size,
                          int64_t factor);

/// The picture with those sides, for an upscaler of pixels (modules/images.py,
/// modules/upscaler.py).
Image enlarge_picture(const Image& image, HiresUpscaler upscaler, const HiresSize& size);

/// The enlarged latent without the surplus, half of it from each side.
at::Tensor cut_surplus(const at::Tensor& latent, const HiresSize& size, int64_t factor);

/// Throws Error(kUsage) for settings that no second pass can have; what its prompts and its sampler
/// take is not looked at.
void check_hires(const ModelDescription& model, const Request& request);

}  // namespace sd::pipeline
