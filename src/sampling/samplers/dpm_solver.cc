#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "sampling/samplers/samplers.h"
#include "sd/error.h"

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

/// A prediction of the picture, and the time it was made at.
struct Prediction {
  float t;
  at::Tensor x0;
};

at::Tensor first_order(const ContinuousSchedule& schedule, const at::Tensor& x,
                       const Prediction& now, float t) {
  const float h = schedule.lambda(t) - schedule.lambda(now.t);
  return (schedule.sigma(t) / schedule.sigma(now.t)) * x -
         (schedule.alpha(t) * std::expm1(-h)) * now.x0;
}

at::Tensor second_order(const ContinuousSchedule& schedule, const at::Tensor& x,
                        const Prediction& before, const Prediction& now, float t) {
  const float lambda_now = schedule.lambda(now.t);
  const float h_before = lambda_now - schedule.lambda(before.t);
  const float h = schedule.lambda(t) - lambda_now;
  const float ratio = h_before / h;
  const at::Tensor slope = (1.0f / ratio) * (now.x0 - before.x0);
  const float weight = schedule.alpha(t) * (std::exp(-h) - 1.0f);
  return (schedule.sigma(t) / schedule.sigma(now.t)) * x - weight * now.x0 -
         0.5f * (weight * slope);
}

}  // namespace

int64_t dpm_solver_steps_taken(int64_t /*timesteps*/, int64_t steps) {
  constexpr int64_t kMost = 10'000;  // beyond, single precision no longer tells the times apart
  if (steps < 2 || steps > kMost) {
    throw Error(ErrorKind::kUsage,
                format("--ddim_steps must be at least 2 and at most %lld with --dpm_solver, found "
                       "%lld",
                       static_cast<long long>(kMost), static_cast<long long>(steps)),
                "20 is plenty for this sampler");
  }
  return steps;
}

at::Tensor sample_dpm_solver(const SampleArgs& args) {
  constexpr int64_t kFewSteps = 15;  // below, the last step is of first order
  const ContinuousSchedule schedule(args.schedule);
  const int64_t steps = args.steps;
  const at::Tensor grid = at::linspace(1.0, 1.0 / static_cast<double>(args.schedule.timesteps()),
                                       steps + 1, at::kFloat);
  const float* times = grid.const_data_ptr<float>();
  at::Tensor x = args.x;
  Prediction before{0, {}};
  for (int64_t i = 0; i < steps; ++i) {
    const float s = times[i];
    const float t = times[i + 1];
    const at::Tensor eps = args.eps(x, schedule.model_time(s));
    const Prediction now{s, (x - schedule.sigma(s) * eps) / schedule.alpha(s)};
    const bool last_of_few = i == steps - 1 && steps < kFewSteps;
    x = i == 0 || last_of_few ? first_order(schedule, x, now, t)
                              : second_order(schedule, x, before, now, t);
    if (args.on_step) args.on_step({i + 1, steps, x, now.x0});
    before = now;
  }
  return x;
}

}  // namespace sd
