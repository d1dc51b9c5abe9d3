#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

/// From one sigma to another, which is not 0, by the slope in the middle of their logarithms.
at::Tensor midpoint_step(const SampleArgs& args, const at::Tensor& x, const Prediction& predicted,
                         const at::Tensor& from, const at::Tensor& to) {
  const at::Tensor middle = at::lerp(from.log(), to.log(), 0.5).exp();
  const at::Tensor half = args.mix({{1, x}, {weight(middle - from), predicted.eps}});
  const Prediction there = args.denoise(half, args.model.level(middle));
  return args.mix({{1, x}, {weight(to - from), there.eps}});
}

}  // namespace

/// By the slope in the middle (Karras et al. 2022, arXiv:2206.00364, with DPM-Solver-2's midpoint):
/// two evaluations but in the last, and one draw a step, without churn too.
static at::Tensor sample_dpm2(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Churned from = churn(args, x, sigmas, i);
    const at::Tensor to = sigmas[i + 1];
    const Prediction predicted = args.denoise(from.x, args.model.level(from.sigma));
    x = is_zero(to) ? at_level(args, predicted, {})
                    : midpoint_step(args, from.x, predicted, from.sigma, to);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

/// DPM2's steps with noise added after each but the last.
static at::Tensor sample_dpm2_a(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    const AncestralStep step = ancestral_step(sigmas[i], sigmas[i + 1], ancestral_eta(args));
    if (is_zero(step.down)) {
      x = at_level(args, predicted, {});
    } else {
      const double up = weight(step.up) * args.knobs.s_noise;
      const at::Tensor down = midpoint_step(args, x, predicted, sigmas[i], step.down);
      x = args.mix({{1, down}, {up, args.noise.next(up)}});
    }
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler dpm2_sampler() {
  return {.name = "dpm2",
          .label = "DPM2",
          .old_names = "k_dpm_2",
          .sample = sample_dpm2,
          .schedule = "karras",
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .evaluations = 2,
          .knobs = kNoiseKnob | kChurnKnobs,
          .discards_next_to_last = true};
}

Sampler dpm2_a_sampler() {
  return {.name = "dpm2_a",
          .label = "DPM2 a",
          .old_names = "k_dpm_2_a",
          .sample = sample_dpm2_a,
          .schedule = "karras",
          .noise = NoiseUse::kDraws,
          .draws = draw_but_last,
          .evaluations = 2,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob,
          .discards_next_to_last = true,
          .uses_noise_seed_delta = true};
}

}  // namespace sd::sampling
