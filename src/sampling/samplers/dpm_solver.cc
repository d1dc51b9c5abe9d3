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

/// From time s to t along the picture predicted at s.
StepCoefficients first_order(const ContinuousSchedule& schedule, float s, float t) {
  const float h = schedule.lambda(t) - schedule.lambda(s);
  return {.x0_eps = schedule.sigma(s),
          .x0_x = schedule.alpha(s),
          .next_x = schedule.sigma(t) / schedule.sigma(s),
          .next_x0 = -(schedule.alpha(t) * std::expm1(-h))};
}

/// Likewise, with the slope from the picture that was predicted at time `before`.
StepCoefficients second_order(const ContinuousSchedule& schedule, float before, float s, float t) {
  const float lambda = schedule.lambda(s);
  const float h_before = lambda - schedule.lambda(before);
  const float h = schedule.lambda(t) - lambda;
  const float weight = schedule.alpha(t) * (std::exp(-h) - 1.0f);
  StepCoefficients step = first_order(schedule, s, t);
  step.next_x0 = -weight;
  step.next_slope = -0.5f * weight;
  step.slope = 1.0f / (h_before / h);
  return step;
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
  at::Tensor x0_before;
  for (int64_t i = 0; i < steps; ++i) {
    const float s = times[i];
    const float t = times[i + 1];
    const bool last_of_few = i == steps - 1 && steps < kFewSteps;
    const StepCoefficients step = i == 0 || last_of_few
                                      ? first_order(schedule, s, t)
                                      : second_order(schedule, times[i - 1], s, t);
    const at::Tensor eps = args.model.eps(x, schedule.model_time(s));
    const SamplerStepResult taken =
        (*args.model.step)(step, {.eps = eps, .x = x, .x0_before = x0_before});
    x = taken.next;
    if (args.on_step) args.on_step({i + 1, steps, x, taken.x0});
    x0_before = taken.x0;
  }
  return x;
}

}  // namespace sd
