#include <ATen/ATen.h>

#include <cmath>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// By a power of the step, rho 1, in log sigma.
static at::Tensor polyexponential_sigmas(const ScheduleArgs& args) {
  const at::Tensor ramp = at::linspace(1, 0, args.steps, at::kFloat).pow(args.rho.value_or(1));
  const double least = std::log(args.sigma_min);
  return with_zero((ramp * (std::log(args.sigma_max) - least) + least).exp());
}

Schedule polyexponential_schedule() {
  return {"polyexponential", "Polyexponential", "", polyexponential_sigmas};
}

}  // namespace sd::sampling
