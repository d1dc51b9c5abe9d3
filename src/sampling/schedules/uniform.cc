#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd {

at::Tensor uniform_sigmas(const ScheduleArgs& args) {
  const auto last = static_cast<double>(args.model.all().size(0) - 1);
  return with_zero(args.model.at_times(at::linspace(last, 0, args.steps, at::kFloat)));
}

}  // namespace sd
