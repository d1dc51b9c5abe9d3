#pragma once

#include <algorithm>

#include "sampling/sampling_plan.h"

// What the files of samplers share. Each has a function and a row, NAME_sampler, which
// sampling/sampler_table.cc lists. Those of k-diffusion follow its k_diffusion/sampling.py (release
// 0.0.16), those of the web UI its version 1.10.1.

namespace sd::sampling {

// Step counts.
inline constexpr StepLimits kTimesteps{};
inline constexpr StepLimits kFewSteps{.usual = 4};
/// Beyond 10,000 steps single precision no longer tells the times apart.
inline constexpr StepLimits kFromTwo{.least = 2, .most = 10'000, .usual = 20};

// Draws of a run.
inline int64_t no_draws(const SamplingPlan& /*plan*/) { return 0; }
inline int64_t draw_a_step(const SamplingPlan& plan) { return plan.total; }
inline int64_t draw_but_one(const SamplingPlan& plan) {
  return std::max<int64_t>(plan.total - 1, 0);
}
/// As many where the last step does not end at 0.
inline int64_t draw_but_last(const SamplingPlan& plan) {
  return plan.levels.back().sigma == 0 ? draw_but_one(plan) : plan.total;
}

/// What a step of DDIM's family is made of.
struct DdimStep {
  const Prediction& predicted;
  const Level& to;
  float direction;          ///< the weight of the noise in x: sqrt(1 - alpha_prev - deviation²)
  float deviation;          ///< the weight of fresh noise, which eta brings in
  const at::Tensor& noise;  ///< undefined where `deviation` is 0
};
/// DDIM's loop; `next` makes each step's latent.
at::Tensor run_ddim(const SampleArgs& args,
                    at::Tensor (*next)(const SampleArgs& args, const DdimStep& step));

/// Makes of a prediction what a latent consistency model means by it.
void edit_as_consistency_model(Prediction* prediction, const Evaluation& at);

/// The levels of make_ddim_schedule, and alphas_cumprod[0] at the end.
Levels ddim_levels(const NoiseSchedule& schedule, int64_t steps, double eta);

/// The latent at a level, if the prediction is right: alpha·x0 + sigma·eps. A whole step of DDIM
/// without noise, and of Euler.
at::Tensor at_level(const SampleArgs& args, const Prediction& prediction, const Level& level);

}  // namespace sd::sampling
