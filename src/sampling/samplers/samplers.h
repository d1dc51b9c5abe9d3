#pragma once

#include "sampling/sampler.h"

// One function a sampler, each in a file of its own.

namespace sd {

/// DDIM (Song, Meng and Ermon 2020, arXiv:2010.02502), as ldm.models.diffusion.ddim does it: one
/// evaluation and one draw a step, the draw for eta 0 too.
at::Tensor sample_ddim(const SampleArgs& args);

/// PLMS (Liu et al. 2022, arXiv:2202.09778), as ldm.models.diffusion.plms does it: one evaluation
/// and one draw a step, two in the first.
at::Tensor sample_plms(const SampleArgs& args);

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095), as the reference sets it up: data
/// prediction, uniform in time, the last step of first order below 15 steps. No draws.
at::Tensor sample_dpm_solver(const SampleArgs& args);

/// Euler (Karras et al. 2022, arXiv:2206.00364, algorithm 2), as k-diffusion does it: one
/// evaluation and one draw a step, the draw without churn too.
at::Tensor sample_euler(const SampleArgs& args);

/// The levels of make_ddim_schedule, and alphas_cumprod[0] at the end.
Levels ddim_levels(const NoiseSchedule& schedule, int64_t steps, double eta);

/// The levels of DPM-Solver.
Levels time_levels(const NoiseSchedule& schedule, int64_t steps);

/// The latent at a level, if the prediction is right: alpha·x0 + sigma·eps. A whole step of DDIM
/// without noise, and of Euler.
at::Tensor at_level(const SampleArgs& args, const Prediction& prediction, const Level& level);

}  // namespace sd
