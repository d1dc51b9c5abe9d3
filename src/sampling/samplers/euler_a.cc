#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// Euler's steps with noise added after each but the last.
static at::Tensor sample_euler_a(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    const AncestralStep step = ancestral_step(sigmas[i], sigmas[i + 1], ancestral_eta(args));
    std::vector<kernels::MixTerm> terms = {{1, predicted.x0}, {weight(step.down), predicted.eps}};
    if (!is_zero(sigmas[i + 1])) {
      const double up = weight(step.up);
      terms.push_back({up, args.noise.next(up)});
    }
    x = args.mix(terms);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler euler_a_sampler() {
  return {.name = "euler_a",
          .label = "Euler a",
          .old_names = "k_euler_a,k_euler_ancestral",
          .sample = sample_euler_a,
          .noise = NoiseUse::kDraws,
          .draws = draw_but_last,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .uses_noise_seed_delta = true};
}

}  // namespace sd::sampling
