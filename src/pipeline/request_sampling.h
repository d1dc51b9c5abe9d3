#pragma once

#include "sampling/sampling_plan.h"
#include "sd/request.h"

namespace sd {

/// What a request asks of its sampler.
SamplingSettings sampling_of(const Request& request);

/// The model's noise levels as its config says; a checkpoint may bring others, as many.
ModelSigmas planned_sigmas(const ModelDescription& model);

}  // namespace sd
