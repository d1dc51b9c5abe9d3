#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

/// What a step adds of the newest picture and of the two before.
struct PictureWeights {
  double now, one, two;
};

/// With the first and second difference of the pictures as far as there are steps before.
PictureWeights picture_weights(const at::Tensor& h, const at::Tensor& h_eta, const at::Tensor& h_1,
                               const at::Tensor& h_2) {
  const double gain = weight(h_eta.neg().expm1().neg());
  if (!h_1.defined()) return {gain, 0, 0};
  const double phi_2 = weight(h_eta.neg().expm1() / h_eta + 1);
  const double r0 = weight(h_1 / h);
  if (!h_2.defined()) return {gain + phi_2 / r0, -phi_2 / r0, 0};
  const double r1 = weight(h_2 / h);
  const double phi_3 = weight((h_eta.neg().expm1() / h_eta + 1) / h_eta - 0.5);
  const double curve = (phi_2 * r0 - phi_3) / (r0 + r1);  // of the difference of the differences
  const double now = (phi_2 + curve) / r0, one = -curve / r1;
  return {gain + now, one - now, -one};
}

}  // namespace

/// DPM-Solver++ 3M with noise: from the last three pictures.
static at::Tensor sample_dpmpp_3m_sde(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  const double eta = ancestral_eta(args);
  at::Tensor x = args.x;
  at::Tensor one, two, h_1, h_2;  // pictures and steps before, newest first
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Prediction predicted = args.denoise(x, args.model.level(sigmas[i]));
    const at::Tensor from = sigmas[i], to = sigmas[i + 1];
    if (is_zero(to)) {
      x = at_level(args, predicted, {});
    } else {
      const at::Tensor h = -to.log() - -from.log();
      const at::Tensor h_eta = h * (eta + 1);
      const PictureWeights of = picture_weights(h, h_eta, h_1, h_2);
      const double noisy =
          eta == 0 ? 0 : weight(to * (-2 * h * eta).expm1().neg().sqrt()) * args.knobs.s_noise;
      x = args.mix(
          {{weight((-h_eta).exp()), x},
           {of.now, predicted.x0},
           {of.one, one},
           {of.two, two},
           {noisy, eta == 0 ? at::Tensor() : args.noise.between(weight(from), weight(to))}});
      h_2 = h_1;
      h_1 = h;
    }
    two = one;
    one = predicted.x0;
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler dpmpp_3m_sde_sampler() {
  return {.name = "dpmpp_3m_sde",
          .label = "DPM++ 3M SDE",
          .old_names = "k_dpmpp_3m_sde",
          .sample = sample_dpmpp_3m_sde,
          .schedule = "exponential",
          .noise = NoiseUse::kBrownian,
          .draws = no_draws,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob,
          .discards_next_to_last = true};
}

}  // namespace sd::sampling
