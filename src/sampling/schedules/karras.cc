#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd {

at::Tensor karras_sigmas(const ScheduleArgs& args) {
  constexpr double kRho = 7;
  const at::Tensor ramp = at::linspace(0, 1, args.steps, at::kFloat);
  // (Python's numbers are doubles until they meet a tensor.)
  const double least = std::pow(args.sigma_min.item<double>(), 1 / kRho);
  const double most = std::pow(args.sigma_max.item<double>(), 1 / kRho);
  return with_zero((most + ramp * (least - most)).pow(kRho));
}

}  // namespace sd
