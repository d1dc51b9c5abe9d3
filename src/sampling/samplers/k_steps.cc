#include "sampling/samplers/k_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace sd::sampling {

at::Tensor sigmas_of(std::span<const Level> levels, at::ScalarType type) {
  std::vector<double> sigmas;
  for (const Level& level : levels) sigmas.push_back(level.sigma);
  return at::tensor(sigmas, at::kDouble).to(type);
}

AncestralStep ancestral_step(const at::Tensor& from, const at::Tensor& to, double eta) {
  if (eta == 0) return {to, at::zeros_like(to)};
  const at::Tensor full = eta * (to.pow(2) * (from.pow(2) - to.pow(2)) / from.pow(2)).pow(0.5);
  const at::Tensor up = at::minimum(to, full);
  return {(to.pow(2) - up.pow(2)).pow(0.5), up};
}

double ancestral_eta(const SampleArgs& args) { return args.knobs.eta.value_or(1); }

Churned churn(const SampleArgs& args, const at::Tensor& x, const at::Tensor& sigmas, int64_t i) {
  const SamplerKnobs& knobs = args.knobs;
  const at::Tensor sigma = sigmas[i];
  const double most = knobs.s_tmax > 0 ? knobs.s_tmax : std::numeric_limits<double>::infinity();
  const bool between = knobs.s_tmin <= weight(sigma) && weight(sigma) <= most;
  const double gamma =
      between ? std::min(knobs.s_churn / static_cast<double>(args.steps()), std::numbers::sqrt2 - 1)
              : 0;
  const at::Tensor higher = sigma * (gamma + 1);
  const double added =
      gamma > 0 ? knobs.s_noise * weight((higher.pow(2) - sigma.pow(2)).pow(0.5)) : 0;
  const at::Tensor noise = args.noise.next(added);
  return {added != 0 ? args.mix({{1, x}, {added, noise}}) : x, higher};
}

}  // namespace sd::sampling
