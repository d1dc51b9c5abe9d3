#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// DPM-Solver++ 2S (Lu et al. 2022, arXiv:2211.01095) with noise added after each step but the
/// last.
static at::Tensor sample_dpmpp_2s_a(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    const AncestralStep step = ancestral_step(sigmas[i], sigmas[i + 1], ancestral_eta(args));
    std::vector<kernels::MixTerm> terms;
    if (is_zero(step.down)) {
      terms = {{1, predicted.x0}};
    } else {
      const at::Tensor t = sigmas[i].log().neg(), next = step.down.log().neg();
      const at::Tensor h = next - t;
      const at::Tensor middle = (t + 0.5 * h).neg().exp(), start = t.neg().exp();
      const at::Tensor half =
          args.mix({{weight(middle / start), x}, {-weight((-h * 0.5).expm1()), predicted.x0}});
      const Prediction there = args.denoise(half, args.model.level(middle));
      terms = {{weight(next.neg().exp() / start), x}, {-weight((-h).expm1()), there.x0}};
    }
    if (!is_zero(sigmas[i + 1])) {
      const double up = weight(step.up) * args.knobs.s_noise;
      terms.push_back({up, args.noise.next(up)});
    }
    x = args.mix(terms);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler dpmpp_2s_a_sampler() {
  return {.name = "dpmpp_2s_a",
          .label = "DPM++ 2S a",
          .old_names = "k_dpmpp_2s_a",
          .sample = sample_dpmpp_2s_a,
          .schedule = "karras",
          .noise = NoiseUse::kDraws,
          .draws = draw_but_last,
          .evaluations = 2,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob,
          .uses_noise_seed_delta = true};
}

}  // namespace sd::sampling
