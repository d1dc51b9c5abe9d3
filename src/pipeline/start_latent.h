#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "pipeline/batch_noise.h"
#include "pipeline/first_stage.h"
#include "pipeline/inpainting.h"
#include "sampling/sampling_plan.h"
#include "sd/request.h"

namespace sd::pipeline {

/// A pass that is about to begin.
struct PassToStart {
  const ModelDescription& model;
  const sampling::SamplingPlan& plan;
  const Request& request;
  const ProgressFn& progress;
  /// Makes the latent [N, C, h, w] that a second pass starts from; empty: it is the first.
  const std::function<at::Tensor()>& make_given;
  const Session::Tap& tap;
};

/// Where sampling starts, on the CPU.
struct StartLatent {
  at::Tensor x;  ///< [N, C, h, w]: noise, or the noised init image
  LatentMask mask;
};

StartLatent start_latent(const PassToStart& pass, BatchNoise* noise, FirstStage* first_stage);

}  // namespace sd::pipeline
