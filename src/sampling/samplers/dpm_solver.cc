#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sampling/samplers/samplers.h"

namespace sd {
namespace {

/// The schedule as a function of continuous time in (0, 1]: t_i = (i + 1)/T, log alpha linear
/// between. All in single precision, as the reference computes it.
class ContinuousSchedule {
 public:
  explicit ContinuousSchedule(const NoiseSchedule& schedule) {
    const int64_t total = schedule.timesteps();
    const at::Tensor times = at::linspace(0, 1, total + 1, at::kFloat);
    const float* data = times.const_data_ptr<float>();
    times_.assign(data + 1, data + total + 1);
    for (const float alpha : schedule.alphas_cumprod()) {
      log_alphas_.push_back(0.5f * std::log(alpha));
    }
  }

  /// log of the share of the picture in x_t.
  float log_alpha(float t) const {
    const auto last = static_cast<std::ptrdiff_t>(times_.size()) - 2;
    const auto below = std::lower_bound(times_.begin(), times_.end(), t) - times_.begin() - 1;
    const auto i = static_cast<size_t>(std::clamp<std::ptrdiff_t>(below, 0, last));
    return log_alphas_[i] +
           (t - times_[i]) * (log_alphas_[i + 1] - log_alphas_[i]) / (times_[i + 1] - times_[i]);
  }

  float alpha(float t) const { return std::exp(log_alpha(t)); }
  float sigma(float t) const { return std::sqrt(1.0f - std::exp(2.0f * log_alpha(t))); }

  /// Half the logarithm of the signal-to-noise ratio.
  float lambda(float t) const {
    const float log_mean = log_alpha(t);
    return log_mean - 0.5f * std::log(1.0f - std::exp(2.0f * log_mean));
  }

  /// The time that the network knows: 0 to T - 1, not whole.
  double model_time(float t) const {
    const auto shortest = static_cast<float>(1.0 / static_cast<double>(times_.size()));
    return static_cast<double>((t - shortest) * 1000.0f);
  }

 private:
  std::vector<float> times_;
  std::vector<float> log_alphas_;
};

/// From time s to t along the picture predicted at s.
at::Tensor first_order(const SampleArgs& args, const ContinuousSchedule& schedule, float s, float t,
                       const at::Tensor& x, const at::Tensor& x0) {
  const float h = schedule.lambda(t) - schedule.lambda(s);
  return args.mix(
      {{schedule.sigma(t) / schedule.sigma(s), x}, {-(schedule.alpha(t) * std::expm1(-h)), x0}});
}

/// From time s to t with the slope from the picture that was predicted at time `before`.
at::Tensor second_order(const SampleArgs& args, const ContinuousSchedule& schedule, float before,
                        float s, float t, const at::Tensor& x, const at::Tensor& x0,
                        const at::Tensor& x0_before) {
  const float lambda = schedule.lambda(s);
  const float h_before = lambda - schedule.lambda(before);
  const float h = schedule.lambda(t) - lambda;
  const float weight = schedule.alpha(t) * (std::exp(-h) - 1.0f);
  // Two sums and not one of three, as the reference rounds.
  const at::Tensor slope =
      args.mix({{1.0f / (h_before / h), args.mix({{1, x0}, {-1, x0_before}})}});
  return args.mix(
      {{schedule.sigma(t) / schedule.sigma(s), x}, {-weight, x0}, {-0.5f * weight, slope}});
}

std::vector<float> times_of(const NoiseSchedule& schedule, int64_t steps) {
  const at::Tensor times =
      at::linspace(1.0, 1.0 / static_cast<double>(schedule.timesteps()), steps + 1, at::kFloat);
  const float* data = times.const_data_ptr<float>();
  return {data, data + steps + 1};
}

}  // namespace

Levels time_levels(const NoiseSchedule& schedule, int64_t steps) {
  const ContinuousSchedule continuous(schedule);
  Levels levels;
  for (const float t : times_of(schedule, steps)) {
    levels.push_back({continuous.model_time(t), continuous.alpha(t), continuous.sigma(t)});
  }
  return levels;
}

at::Tensor sample_dpm_solver(const SampleArgs& args) {
  constexpr int64_t kFewSteps = 15;  // below, the last step is of first order
  const int64_t steps = args.steps();
  const ContinuousSchedule schedule(args.model.schedule());
  const std::vector<float> times = times_of(args.model.schedule(), steps);
  at::Tensor x = args.x;
  at::Tensor before;
  for (int64_t i = 0; i < steps; ++i) {
    const auto at = static_cast<size_t>(i);
    const at::Tensor x0 = args.denoise(x, args.levels[at]).x0;
    const bool last_of_few = i == steps - 1 && steps < kFewSteps;
    x = i == 0 || last_of_few
            ? first_order(args, schedule, times[at], times[at + 1], x, x0)
            : second_order(args, schedule, times[at - 1], times[at], times[at + 1], x, x0, before);
    args.report(i + 1, x, x0);
    before = x0;
  }
  return x;
}

}  // namespace sd
