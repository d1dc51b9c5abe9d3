#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// Evenly in the model's time; takes no notice of the lowest and highest level.
static at::Tensor uniform_sigmas(const ScheduleArgs& args) {
  const ModelSigmas& model = args.model;
  return with_zero(
      model.at_times(at::linspace(model.first_time(), model.last_time(), args.steps, at::kFloat)));
}

Schedule uniform_schedule() { return {"uniform", "Uniform", "", uniform_sigmas}; }

}  // namespace sd::sampling
