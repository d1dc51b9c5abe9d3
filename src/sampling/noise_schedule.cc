#include "sampling/noise_schedule.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sd/error.h"

namespace sd::sampling {

NoiseSchedule::NoiseSchedule(std::vector<float> alphas_cumprod)
    : alphas_cumprod_(std::move(alphas_cumprod)) {
  if (alphas_cumprod_.size() < 2) {
    throw Error(ErrorKind::kCheckpoint, "the noise schedule has fewer than two steps",
                "alphas_cumprod of the checkpoint or timesteps of the config is damaged");
  }
  for (size_t t = 0; t < alphas_cumprod_.size(); ++t) {
    const float alpha = alphas_cumprod_[t];
    if (alpha > 0 && alpha <= 1) continue;  // false for NaN, too
    throw Error(
        ErrorKind::kCheckpoint,
        fmt::format("alphas_cumprod[{}] must be above 0 and at most 1, found {:g}", t, alpha),
        "the checkpoint's noise schedule is damaged");
  }
}

NoiseSchedule NoiseSchedule::linear(double linear_start, double linear_end, int64_t timesteps) {
  const double first = std::sqrt(linear_start);
  const double last = std::sqrt(linear_end);
  const double step = timesteps > 1 ? (last - first) / static_cast<double>(timesteps - 1) : 0.0;
  std::vector<float> alphas;
  double product = 1;
  for (int64_t t = 0; t < timesteps; ++t) {
    // torch.linspace counts the second half from the end.
    const double root = t < timesteps / 2 ? first + step * static_cast<double>(t)
                                          : last - step * static_cast<double>(timesteps - 1 - t);
    product *= 1 - root * root;
    alphas.push_back(static_cast<float>(product));
  }
  return NoiseSchedule(std::move(alphas));
}

NoiseSchedule NoiseSchedule::with_zero_snr() const {
  constexpr float kLeast = 4.8973451890853435e-08F;
  const float first = std::sqrt(alphas_cumprod_.front());
  const float last = std::sqrt(alphas_cumprod_.back());
  std::vector<float> alphas;
  for (const float alpha : alphas_cumprod_) {
    const float root = (std::sqrt(alpha) - last) * (first / (first - last));
    alphas.push_back(std::max(root * root, kLeast));
  }
  return NoiseSchedule(std::move(alphas));
}

StepCount ddim_step_count(int64_t timesteps, int64_t steps) {
  if (steps < 1 || steps > timesteps) {
    throw Error(ErrorKind::kUsage,
                fmt::format("`steps` must be from 1 to {}, found {}", timesteps, steps),
                "50 is the usual number");
  }
  const int64_t stride = timesteps / steps;
  const int64_t count = (timesteps + stride - 1) / stride;
  return {count, (count - 1) * stride + 1 >= timesteps};
}

float ddim_deviation(float alpha, float alpha_prev, double eta) {
  // As numpy and torch mix their types: the reciprocal in single, the product in double.
  const float reciprocal = 1.0f / (1.0f - alpha);
  const double variance =
      (1.0 - double{alpha_prev}) * double{reciprocal} * (1.0 - double{alpha} / double{alpha_prev});
  return static_cast<float>(eta * std::sqrt(variance));
}

DdimSchedule make_ddim_schedule(const NoiseSchedule& schedule, int64_t steps, double eta) {
  const int64_t total = schedule.timesteps();
  const StepCount count = ddim_step_count(total, steps);
  const int64_t stride = total / steps;
  const auto& alphas_cumprod = schedule.alphas_cumprod();
  DdimSchedule ddim;
  for (int64_t i = 0; i < count.actual; ++i) {
    const int64_t t = std::min(i * stride + 1, total - 1);
    const float alpha = alphas_cumprod[static_cast<size_t>(t)];
    const float alpha_prev = i == 0 ? alphas_cumprod.front() : ddim.alphas.back();
    ddim.timesteps.push_back(t);
    ddim.alphas.push_back(alpha);
    ddim.alphas_prev.push_back(alpha_prev);
    ddim.sigmas.push_back(ddim_deviation(alpha, alpha_prev, eta));
    ddim.sqrt_one_minus_alphas.push_back(std::sqrt(1.0f - alpha));
    const float sigma = ddim.sigmas.back();
    if (!(1.0f - alpha_prev - sigma * sigma >= 0)) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format(
              "`eta` {:g} is too large for {} steps: more noise than the latent has variance", eta,
              steps),
          "use a value from 0 to 1");
    }
  }
  return ddim;
}

}  // namespace sd::sampling
