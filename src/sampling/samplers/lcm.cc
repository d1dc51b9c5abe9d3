#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// Consistency sampling (Luo et al. 2023, arXiv:2310.04378): one draw a step but the last.
static at::Tensor sample_lcm(const SampleArgs& args) {
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const double to = args.levels[static_cast<size_t>(i) + 1].sigma;
    const at::Tensor x0 = args.denoise(x, args.levels[static_cast<size_t>(i)]).x0;
    x = to > 0 ? args.mix({{1, x0}, {to, args.noise.next(to)}}) : x0;
    args.report(i + 1, x, x0);
  }
  return x;
}

void edit_as_consistency_model(Prediction* prediction, const Evaluation& at) {
  constexpr double kData = 0.25;  // the square of the data's deviation
  const double t = 10 * at.at.t;
  const double skip = kData / (t * t + kData);
  const double out = t / std::sqrt(t * t + kData);
  // out·x0 + skip·x, with x = x0 + sigma·eps
  prediction->x0 = (out + skip) * prediction->x0 + skip * at.at.sigma * prediction->eps;
}

Sampler lcm_sampler() {
  return {.name = "lcm",
          .label = "LCM",
          .old_names = "k_lcm",
          .sample = sample_lcm,
          .noise = NoiseUse::kDraws,
          .draws = draw_but_last,
          .consistency = true};
}

}  // namespace sd::sampling
