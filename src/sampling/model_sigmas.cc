#include "sampling/model_sigmas.h"

#include <ATen/ATen.h>

namespace sd {

ModelSigmas::ModelSigmas(const NoiseSchedule& schedule) : schedule_(schedule) {
  const at::Tensor alphas = at::tensor(schedule.alphas_cumprod(), at::kFloat);
  sigmas_ = ((1 - alphas) / alphas).pow(0.5);
  logs_ = sigmas_.log();
}

at::Tensor ModelSigmas::time_of(const at::Tensor& sigma) const {
  const at::Tensor log = sigma.to(at::kFloat).log();
  const int64_t below =
      std::clamp<int64_t>((logs_ <= log).sum().item<int64_t>() - 1, 0, logs_.size(0) - 2);
  const at::Tensor low = logs_[below], high = logs_[below + 1];
  const at::Tensor share = ((low - log) / (low - high)).clamp(0, 1);
  return (1 - share) * below + share * (below + 1);
}

at::Tensor ModelSigmas::at_times(const at::Tensor& times) const {
  const at::Tensor t = times.to(at::kFloat);
  const at::Tensor low = logs_.index({t.floor().to(at::kLong)});
  const at::Tensor high = logs_.index({t.ceil().to(at::kLong)});
  const at::Tensor share = t.frac();
  return ((1 - share) * low + share * high).exp();
}

Level ModelSigmas::level(const at::Tensor& sigma) const {
  const double value = sigma.item<double>();
  return {value > 0 ? time_of(sigma).item<double>() : 0, 1, value};
}

}  // namespace sd
