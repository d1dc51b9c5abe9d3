#include <ATen/ATen.h>

#include <cmath>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// Evenly in log sigma.
static at::Tensor exponential_sigmas(const ScheduleArgs& args) {
  return with_zero(
      at::linspace(std::log(args.sigma_max), std::log(args.sigma_min), args.steps, at::kFloat)
          .exp());
}

Schedule exponential_schedule() { return {"exponential", "Exponential", "", exponential_sigmas}; }

}  // namespace sd::sampling
