#include "sampling/model_sigmas.h"

#include <ATen/ATen.h>

#include <utility>

namespace sd::sampling {
namespace {

// A latent consistency model knows the times 19, 39, …, 999.
constexpr int64_t kStride = 20, kFirst = kStride - 1;

at::Tensor alphas_of(const NoiseSchedule& schedule, const SigmaRules& rules) {
  const at::Tensor all = at::tensor(schedule.alphas_cumprod(), at::kFloat);
  const at::Tensor kept = rules.consistency ? all.slice(0, kFirst, all.size(0), kStride) : all;
  return rules.downcast ? kept.to(at::kHalf) : kept;
}

}  // namespace

ModelSigmas::ModelSigmas(NoiseSchedule schedule, const SigmaRules& rules)
    : schedule_(std::move(schedule)), rules_(rules) {
  const at::Tensor alphas = alphas_of(schedule_, rules);
  sigmas_ = ((1 - alphas) / alphas).pow(0.5);
  logs_ = sigmas_.log();
}

double ModelSigmas::first_time() const { return static_cast<double>(schedule_.timesteps() - 1); }
double ModelSigmas::last_time() const { return rules_.consistency ? kFirst : 0; }

at::Tensor ModelSigmas::time_of(const at::Tensor& sigma) const {
  const at::Tensor log = sigma.log();
  const at::Tensor distances = log - logs_.unsqueeze(1);
  if (rules_.consistency || rules_.quantize) {
    const at::Tensor nearest = distances.abs().argmin(0).reshape(sigma.sizes());
    return rules_.consistency ? nearest * kStride + kFirst : nearest;
  }
  const at::Tensor low_at = distances.ge(0).cumsum(0).argmax(0).clamp_max(logs_.size(0) - 2);
  const at::Tensor high_at = low_at + 1;
  const at::Tensor low = logs_.index({low_at}), high = logs_.index({high_at});
  const at::Tensor share = ((low - log) / (low - high)).clamp(0, 1);
  return ((1 - share) * low_at + share * high_at).reshape(sigma.sizes());
}

at::Tensor ModelSigmas::at_times(const at::Tensor& times) const {
  at::Tensor t = times.to(at::kFloat);
  if (rules_.consistency)
    t = ((times - kFirst) / kStride).to(at::kFloat).clamp(0, logs_.size(0) - 1);
  const at::Tensor low = logs_.index({t.floor().to(at::kLong)});
  const at::Tensor high = logs_.index({t.ceil().to(at::kLong)});
  const at::Tensor share = t.frac();
  return ((1 - share) * low + share * high).exp();
}

Level ModelSigmas::level(const at::Tensor& sigma) const {
  const double value = sigma.item<double>();
  if (!(value > 0)) return {0, 1, value};
  return {time_of(sigma.to(at::kFloat).reshape({1})).item<double>(), 1, value};
}

}  // namespace sd::sampling
