#pragma once

#include "sampling/noise_schedule.h"
#include "sampling/sampling_plan.h"
#include "sd/request.h"

namespace sd::pipeline {

inline constexpr double kUsualStrength = 0.75;  ///< of a request that starts from a picture

/// The noise schedule of the model's config.
sampling::NoiseSchedule schedule_of(const ModelDescription& model);

/// What a request asks of its sampler.
sampling::SamplingSettings sampling_of(const Request& request);

/// The plan of a request under the noise schedule of the model's config; a checkpoint may bring
/// another, as long. Throws as plan_sampling.
sampling::SamplingPlan plan_of(const ModelDescription& model, const Request& request);

/// Whether its evaluations need the unconditional half.
bool has_guidance(const Request& request);

}  // namespace sd::pipeline
