#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

at::Tensor sample(const SampleArgs& args, bool heun) {
  const at::Tensor sigmas = sigmas_of(args);
  const double eta = ancestral_eta(args);
  at::Tensor x = args.x;
  at::Tensor before, h_before;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    const at::Tensor from = sigmas[i], to = sigmas[i + 1], x0 = predicted.x0;
    if (is_zero(to)) {
      x = at_level(args, predicted, {});
    } else {
      const at::Tensor h = -to.log() - -from.log();
      const at::Tensor eta_h = eta * h;
      const at::Tensor gain = (-h - eta_h).expm1().neg();
      double slope = 0;
      if (before.defined()) {
        const at::Tensor r = h_before / h;
        slope = weight((heun ? gain / (-h - eta_h) + 1 : 0.5 * gain) * (1 / r));
      }
      const double noisy =
          eta == 0 ? 0 : weight(to * (-2 * eta_h).expm1().neg().sqrt()) * args.knobs.s_noise;
      x = args.mix(
          {{weight(to / from * (-eta_h).exp()), x},
           {weight(gain) + slope, x0},
           {-slope, before},
           {noisy, eta == 0 ? at::Tensor() : args.noise.between(weight(from), weight(to))}});
      h_before = h;
    }
    before = x0;
    args.report(i + 1, x, x0);
  }
  return x;
}

}  // namespace

/// DPM-Solver++ 2M with noise (Lu et al. 2022, arXiv:2211.01095), by the midpoint.
static at::Tensor sample_dpmpp_2m_sde(const SampleArgs& args) {
  return sample(args, /*heun=*/false);
}
/// DPM-Solver++ 2M with noise (Lu et al. 2022, arXiv:2211.01095), by Heun's correction.
static at::Tensor sample_dpmpp_2m_sde_heun(const SampleArgs& args) {
  return sample(args, /*heun=*/true);
}

Sampler dpmpp_2m_sde_sampler() {
  return {.name = "dpmpp_2m_sde",
          .label = "DPM++ 2M SDE",
          .old_names = "k_dpmpp_2m_sde",
          .sample = sample_dpmpp_2m_sde,
          .schedule = "exponential",
          .noise = NoiseUse::kBrownian,
          .draws = no_draws,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob};
}

Sampler dpmpp_2m_sde_heun_sampler() {
  Sampler sampler = dpmpp_2m_sde_sampler();
  sampler.name = "dpmpp_2m_sde_heun";
  sampler.label = "DPM++ 2M SDE Heun";
  sampler.old_names = "k_dpmpp_2m_sde_heun";
  sampler.sample = sample_dpmpp_2m_sde_heun;
  return sampler;
}

}  // namespace sd::sampling
