#pragma once

#include "models/model_config.h"
#include "sampling/noise_schedule.h"
#include "weights/weight_view.h"

namespace sd::models {

/// The checkpoint's own `alphas_cumprod`, as in the reference, where it can be sampled with; else
/// the config's schedule. A stored one that cannot is said in one line: bfloat16 rounds its first
/// values to 1, and integers or sums of two models hold anything. Stretched to end in noise alone
/// (NoiseSchedule::with_zero_snr) where the config says so.
sampling::NoiseSchedule load_schedule(const weights::WeightView& root, const ModelConfig& config);

/// Whether the checkpoint's own schedule was stretched so: its last value is 0.
bool ends_in_noise(const weights::Checkpoint& checkpoint, const ModelConfig& config);

/// What keeps a sampler from using such a schedule: words that follow "it", or "". Values must be
/// from 0 to 1, below 1 after the first, and each below the one before it; in float16, whose
/// rounding the reference's pictures have, neighbours may be equal.
std::string schedule_problem(const std::vector<float>& alphas_cumprod, bool half);

/// The checkpoint's scale factor where the config's training measured it, else the config's.
double load_scale_factor(const weights::WeightView& root, const ModelConfig& config);

}  // namespace sd::models
