#pragma once

#include <ATen/core/Tensor.h>

#include "pipeline/first_stage.h"
#include "sd/request.h"

namespace sd::pipeline {

/// A request whose first pass is drawn.
struct FirstPass {
  const Request& request;
  int64_t factor;  ///< pixels that a latent value stands for, along each side
  const ProgressFn& progress;
};

/// What the second pass starts from, without noise: the latents [N, C, h, w] of the first, enlarged
/// as they are, or as pictures that are decoded and encoded again.
at::Tensor second_latent(const FirstPass& first, const at::Tensor& latent, FirstStage* first_stage);

}  // namespace sd::pipeline
