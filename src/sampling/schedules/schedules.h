#pragma once

#include "sampling/schedule.h"

// One function a schedule, each in a file of its own. They compute as the web UI (v1.10.1,
// modules/sd_schedulers.py) and k-diffusion (k_diffusion/sampling.py) do: in single precision, with
// torch's functions in their order.

namespace sd {

/// Evenly in the model's time; takes no notice of the lowest and highest level.
at::Tensor uniform_sigmas(const ScheduleArgs& args);

/// Karras et al. 2022 (arXiv:2206.00364), equation 5, rho 7.
at::Tensor karras_sigmas(const ScheduleArgs& args);

/// The levels and a 0 behind them.
at::Tensor with_zero(const at::Tensor& sigmas);

}  // namespace sd
