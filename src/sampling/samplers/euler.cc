#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// Euler's steps (Karras et al. 2022, arXiv:2206.00364, algorithm 2): one draw a step, without
/// churn too.
static at::Tensor sample_euler(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Churned from = churn(args, x, sigmas, i);
    const Prediction predicted = args.denoise(from.x, args.model.level(from.sigma));
    x = at_level(args, predicted, args.levels[static_cast<size_t>(i) + 1]);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler euler_sampler() {
  return {.name = "euler",
          .label = "Euler",
          .old_names = "k_euler",
          .sample = sample_euler,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .knobs = kNoiseKnob | kChurnKnobs};
}

}  // namespace sd::sampling
