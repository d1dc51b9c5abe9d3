#include <cmath>

#include "sampling/samplers/samplers.h"

namespace sd {

int64_t ddim_steps_taken(int64_t timesteps, int64_t steps) {
  return ddim_step_count(timesteps, steps).actual;
}

StepCoefficients ddim_step(const DdimSchedule& schedule, int64_t index) {
  const auto i = static_cast<size_t>(index);
  const float alpha_prev = schedule.alphas_prev[i];
  const float sigma = schedule.sigmas[i];
  return {.x0_eps = schedule.sqrt_one_minus_alphas[i],
          .x0_x = std::sqrt(schedule.alphas[i]),
          .next_x0 = std::sqrt(alpha_prev),
          .next_eps = std::sqrt(1.0f - alpha_prev - sigma * sigma),
          .next_noise = sigma};
}

at::Tensor sample_ddim(const SampleArgs& args) {
  const DdimSchedule schedule = make_ddim_schedule(args.schedule, args.steps, args.eta);
  const int64_t total = args.start < 0 ? schedule.size() : std::min(args.start, schedule.size());
  at::Tensor x = args.x;
  for (int64_t index = total - 1; index >= 0; --index) {
    const auto t = static_cast<double>(schedule.timesteps[static_cast<size_t>(index)]);
    const StepCoefficients step = ddim_step(schedule, index);
    const at::Tensor eps = args.model.eps(x, t);
    const SamplerStepResult taken =
        (*args.model.step)(step, {.eps = eps, .x = x, .noise = step_noise(args, step.next_noise)});
    x = taken.next;
    if (args.on_step) args.on_step({total - index, total, x, taken.x0});
  }
  return x;
}

}  // namespace sd
