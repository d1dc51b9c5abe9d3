#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd {

at::Tensor uniform_sigmas(const ScheduleArgs& args) {
  const ModelSigmas& model = args.model;
  return with_zero(
      model.at_times(at::linspace(model.first_time(), model.last_time(), args.steps, at::kFloat)));
}

}  // namespace sd
