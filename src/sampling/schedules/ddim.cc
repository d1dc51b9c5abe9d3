#include <ATen/ATen.h>

#include <algorithm>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// The levels of DDIM's timesteps; not always as many as steps.
static at::Tensor ddim_sigmas(const ScheduleArgs& args) {
  const int64_t total = args.model.all().size(0);
  const int64_t stride = std::max<int64_t>(total / args.steps, 1);
  return with_zero(args.model.all().slice(0, 1, total, stride).flip(0));
}

Schedule ddim_schedule() { return {"ddim", "DDIM", "", ddim_sigmas}; }

}  // namespace sd::sampling
