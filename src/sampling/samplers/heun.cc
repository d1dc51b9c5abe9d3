#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

at::Tensor heun_step(const SampleArgs& args, const at::Tensor& x, const Prediction& predicted,
                     const at::Tensor& from, const at::Tensor& to) {
  const at::Tensor ahead = at_level(args, predicted, {.sigma = weight(to)});
  if (is_zero(to)) return ahead;
  const Prediction there = args.denoise(ahead, args.model.level(to));
  const double half = weight((to - from) / 2);
  return args.mix({{1, x}, {half, predicted.eps}, {half, there.eps}});
}

/// Heun's steps (Karras et al. 2022, arXiv:2206.00364, algorithm 2): two evaluations but in the
/// last, and one draw a step, without churn too.
static at::Tensor sample_heun(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Churned from = churn(args, x, sigmas, i);
    const Prediction predicted = args.denoise(from.x, args.model.level(from.sigma));
    x = heun_step(args, from.x, predicted, from.sigma, sigmas[i + 1]);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler heun_sampler() {
  return {.name = "heun",
          .label = "Heun",
          .old_names = "k_heun",
          .sample = sample_heun,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .evaluations = 2,
          .knobs = kNoiseKnob | kChurnKnobs};
}

}  // namespace sd::sampling
