#include <ATen/ATen.h>

#include "sampling/few_step_levels.h"
#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// The levels of whole timesteps from the end of the training schedule, as diffusers'
/// EulerDiscreteScheduler lays them for models of few steps.
static at::Tensor trailing_sigmas(const ScheduleArgs& args) {
  const std::vector<int64_t> times = trailing_timesteps(args.model.all().size(0), args.steps);
  return with_zero(args.model.all().index({at::tensor(times, at::kLong)}));
}

Schedule trailing_schedule() { return {"trailing", "Trailing", "", trailing_sigmas}; }

}  // namespace sd::sampling
