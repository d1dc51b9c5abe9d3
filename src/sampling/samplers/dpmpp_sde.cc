#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

/// A part of a step: from the noise of `from` to that of `to` along a picture, noise included. Both
/// are times, -log sigma.
at::Tensor noisy_part(const SampleArgs& args, const at::Tensor& x, const at::Tensor& from,
                      const at::Tensor& to, const std::vector<kernels::MixTerm>& picture) {
  const at::Tensor start = from.neg().exp(), end = to.neg().exp();
  const AncestralStep step = ancestral_step(start, end, ancestral_eta(args));
  const at::Tensor down = step.down.log().neg();
  const double gain = -weight((from - down).expm1());
  std::vector<kernels::MixTerm> terms = {{weight(down.neg().exp() / start), x}};
  for (const kernels::MixTerm& term : picture) terms.push_back({gain * term.weight, term.x});
  const at::Tensor noise = args.noise.between(weight(start), weight(end));
  terms.push_back({weight(step.up) * args.knobs.s_noise, noise});
  return args.mix(terms);
}

}  // namespace

/// DPM-Solver++ as a stochastic equation (Lu et al. 2022, arXiv:2211.01095): noise after each of
/// two evaluations.
static at::Tensor sample_dpmpp_sde(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    if (is_zero(sigmas[i + 1])) {
      x = at_level(args, predicted, {});
    } else {
      const at::Tensor t = sigmas[i].log().neg(), next = sigmas[i + 1].log().neg();
      const at::Tensor middle = t + (next - t) * 0.5;
      const at::Tensor half = noisy_part(args, x, t, middle, {{1, predicted.x0}});
      const at::Tensor there = args.denoise(half, args.model.level(middle.neg().exp())).x0;
      // With the middle halfway the picture of the start has no weight.
      x = noisy_part(args, x, t, next, {{1, there}});
    }
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler dpmpp_sde_sampler() {
  return {.name = "dpmpp_sde",
          .label = "DPM++ SDE",
          .old_names = "k_dpmpp_sde",
          .sample = sample_dpmpp_sde,
          .schedule = "karras",
          .noise = NoiseUse::kBrownian,
          .draws = no_draws,
          .evaluations = 2,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob};
}

}  // namespace sd::sampling
