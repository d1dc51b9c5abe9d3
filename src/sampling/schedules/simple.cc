#include <ATen/ATen.h>

#include <vector>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// Every so many of the model's levels (ComfyUI).
static at::Tensor simple_sigmas(const ScheduleArgs& args) {
  const int64_t total = args.model.all().size(0);
  const double stride = static_cast<double>(total) / static_cast<double>(args.steps);
  std::vector<int64_t> times;
  for (int64_t i = 0; i < args.steps; ++i) {
    times.push_back(total - 1 - static_cast<int64_t>(static_cast<double>(i) * stride));
  }
  return with_zero(args.model.all().index({at::tensor(times, at::kLong)}));
}

Schedule simple_schedule() { return {"simple", "Simple", "", simple_sigmas}; }

}  // namespace sd::sampling
