#pragma once

#include "sampling/sampling_plan.h"
#include "sd/request.h"

namespace sd {

/// What a request asks of its sampler.
SamplingSettings sampling_of(const Request& request);

/// The plan of a request under the noise schedule of the model's config; a checkpoint may bring
/// another, as long. Throws as plan_sampling.
SamplingPlan plan_of(const ModelDescription& model, const Request& request);

/// Whether its evaluations need the unconditional half.
bool has_guidance(const Request& request);

}  // namespace sd
