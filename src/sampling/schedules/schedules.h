#pragma once

#include "sampling/schedule.h"

// One function a schedule, each in a file of its own. They compute as the web UI (v1.10.1,
// modules/sd_schedulers.py) and k-diffusion (k_diffusion/sampling.py) do: in single precision, with
// torch's functions in their order; what Python's own numbers are there is double here.

namespace sd {

/// Evenly in the model's time; takes no notice of the lowest and highest level.
at::Tensor uniform_sigmas(const ScheduleArgs& args);

/// Karras et al. 2022 (arXiv:2206.00364), equation 5, rho 7.
at::Tensor karras_sigmas(const ScheduleArgs& args);

/// Evenly in log sigma.
at::Tensor exponential_sigmas(const ScheduleArgs& args);

/// By a power of the step, rho 1, in log sigma.
at::Tensor polyexponential_sigmas(const ScheduleArgs& args);

/// Evenly in the model's time between the ends, without the last (Stability's generative models).
at::Tensor sgm_uniform_sigmas(const ScheduleArgs& args);

/// Evenly in the model's time between the ends (ComfyUI).
at::Tensor normal_sigmas(const ScheduleArgs& args);

/// Sabour, Fidler and Kreis 2024 (arXiv:2404.14507), section 3.1; ends above 0.
at::Tensor kl_optimal_sigmas(const ScheduleArgs& args);

/// Sabour, Fidler and Kreis 2024: the 11 levels found for Stable Diffusion 1.5.
at::Tensor align_your_steps_sigmas(const ScheduleArgs& args);

/// Every so many of the model's levels (ComfyUI).
at::Tensor simple_sigmas(const ScheduleArgs& args);

/// The levels of DDIM's timesteps; not always as many as steps.
at::Tensor ddim_sigmas(const ScheduleArgs& args);

/// Quantiles of a beta distribution (Lee et al. 2024, arXiv:2407.12173), in sigma.
at::Tensor beta_sigmas(const ScheduleArgs& args);

/// Karras' levels between two sigmas, and 0.
at::Tensor karras_between(int64_t steps, double least, double most, double rho = 7);

/// The levels and a 0 behind them.
at::Tensor with_zero(const at::Tensor& sigmas);

}  // namespace sd
