#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {
namespace {

at::Tensor f32(double number) { return at::scalar_tensor(number, at::kFloat); }

/// The sigmas of times between those of the highest and the lowest level.
at::Tensor between_ends(const ScheduleArgs& args, int64_t count) {
  const double start = args.model.time_of(f32(args.sigma_max)).item<double>();
  const double end = args.model.time_of(f32(args.sigma_min)).item<double>();
  return args.model.at_times(at::linspace(start, end, count, at::kFloat));
}

}  // namespace

/// Evenly in the model's time between the ends, without the last (Stability's generative models).
static at::Tensor sgm_uniform_sigmas(const ScheduleArgs& args) {
  return with_zero(between_ends(args, args.steps + 1).slice(0, 0, args.steps));
}

/// Evenly in the model's time between the ends (ComfyUI).
static at::Tensor normal_sigmas(const ScheduleArgs& args) {
  return with_zero(between_ends(args, args.steps));
}

Schedule sgm_uniform_schedule() {
  return {"sgm_uniform", "SGM Uniform", "SGMUniform", sgm_uniform_sigmas};
}

Schedule normal_schedule() { return {"normal", "Normal", "", normal_sigmas}; }

}  // namespace sd::sampling
