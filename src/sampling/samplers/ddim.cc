#include <ATen/ATen.h>

#include <cmath>

#include "sampling/samplers/samplers.h"

namespace sd {

int64_t ddim_steps_taken(int64_t timesteps, int64_t steps) {
  return ddim_step_count(timesteps, steps).actual;
}

DdimStep ddim_step(const DdimSchedule& schedule, int64_t index, const at::Tensor& x,
                   const at::Tensor& eps, const at::Tensor& noise) {
  const auto i = static_cast<size_t>(index);
  const float alpha_prev = schedule.alphas_prev[i];
  const float sigma = schedule.sigmas[i];
  const float direction = std::sqrt(1.0f - alpha_prev - sigma * sigma);
  const at::Tensor pred_x0 =
      (x - schedule.sqrt_one_minus_alphas[i] * eps) / std::sqrt(schedule.alphas[i]);
  return {std::sqrt(alpha_prev) * pred_x0 + direction * eps + sigma * noise, pred_x0};
}

at::Tensor sample_ddim(const SampleArgs& args) {
  const DdimSchedule schedule = make_ddim_schedule(args.schedule, args.steps, args.eta);
  const int64_t total = args.start < 0 ? schedule.size() : std::min(args.start, schedule.size());
  at::Tensor x = args.x;
  for (int64_t index = total - 1; index >= 0; --index) {
    const auto t = static_cast<double>(schedule.timesteps[static_cast<size_t>(index)]);
    const at::Tensor eps = args.eps(x, t);
    const DdimStep step =
        ddim_step(schedule, index, x, eps, noise_like(x, args.noise, args.noise_rows));
    x = step.x_prev;
    if (args.on_step) args.on_step({total - index, total, x, step.pred_x0});
  }
  return x;
}

}  // namespace sd
