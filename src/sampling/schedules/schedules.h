#pragma once

#include "sampling/schedule.h"

// What the files of schedules share. Each has a function and a row, NAME_schedule, which
// sampling/schedule.cc lists. They compute as the web UI (v1.10.1,
// modules/sd_schedulers.py) and k-diffusion (k_diffusion/sampling.py) do: in single precision, with
// torch's functions in their order; what Python's own numbers are there is double here.

namespace sd::sampling {

/// Karras' levels between two sigmas, and 0.
at::Tensor karras_between(int64_t steps, double least, double most, double rho = 7);

/// The levels and a 0 behind them.
at::Tensor with_zero(const at::Tensor& sigmas);

}  // namespace sd::sampling
