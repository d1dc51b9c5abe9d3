#pragma once

#include "sampling/sampler.h"

// One function a sampler, each in a file of its own.

namespace sd {

/// DDIM (Song, Meng and Ermon 2020, arXiv:2010.02502), as ldm.models.diffusion.ddim does it: one
/// model call and one draw a step, the draw for eta 0 too.
at::Tensor sample_ddim(const SampleArgs& args);

/// PLMS (Liu et al. 2022, arXiv:2202.09778), as ldm.models.diffusion.plms does it: one model call
/// and one draw a step, two in the first.
at::Tensor sample_plms(const SampleArgs& args);

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095), as the reference sets it up: data
/// prediction, uniform in time, the last step of first order below 15 steps. No draws.
at::Tensor sample_dpm_solver(const SampleArgs& args);

int64_t ddim_steps_taken(int64_t timesteps, int64_t steps);
int64_t dpm_solver_steps_taken(int64_t timesteps, int64_t steps);

/// One DDIM step down from timestep `index`: to the latent at the next lower one, and the picture
/// that the prediction stands for. Its noise is the weight of a draw.
StepCoefficients ddim_step(const DdimSchedule& schedule, int64_t index);

}  // namespace sd
