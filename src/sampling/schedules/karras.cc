#include <ATen/ATen.h>

#include <cmath>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

at::Tensor karras_between(int64_t steps, double least, double most, double rho) {
  const at::Tensor ramp = at::linspace(0, 1, steps, at::kFloat);
  const double from = std::pow(most, 1 / rho), to = std::pow(least, 1 / rho);
  return with_zero((from + ramp * (to - from)).pow(rho));
}

/// Karras et al. 2022 (arXiv:2206.00364), equation 5, rho 7.
static at::Tensor karras_sigmas(const ScheduleArgs& args) {
  return karras_between(args.steps, args.sigma_min, args.sigma_max, args.rho.value_or(7));
}

Schedule karras_schedule() { return {"karras", "Karras", "", karras_sigmas}; }

}  // namespace sd::sampling
