#include "sampling/continuous_schedule.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace sd::sampling {
namespace {

/// The line through the two points of (xs, ys) that are around x, at x; xs rises.
float interpolate(const std::vector<float>& xs, const std::vector<float>& ys, float x) {
  const auto last = static_cast<std::ptrdiff_t>(xs.size()) - 2;
  const auto below = std::lower_bound(xs.begin(), xs.end(), x) - xs.begin() - 1;
  const auto i = static_cast<size_t>(std::clamp<std::ptrdiff_t>(below, 0, last));
  return ys[i] + (x - xs[i]) * (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]);
}

}  // namespace

ContinuousSchedule::ContinuousSchedule(const NoiseSchedule& schedule) {
  const int64_t total = schedule.timesteps();
  const at::Tensor times = at::linspace(0, 1, total + 1, at::kFloat);
  const float* data = times.const_data_ptr<float>();
  times_.assign(data + 1, data + total + 1);
  for (const float alpha : schedule.alphas_cumprod()) {
    log_alphas_.push_back(0.5f * std::log(alpha));
  }
}

float ContinuousSchedule::log_alpha(float t) const { return interpolate(times_, log_alphas_, t); }

float ContinuousSchedule::alpha(float t) const { return std::exp(log_alpha(t)); }

float ContinuousSchedule::sigma(float t) const {
  return std::sqrt(1.0f - std::exp(2.0f * log_alpha(t)));
}

float ContinuousSchedule::lambda(float t) const {
  const float log_mean = log_alpha(t);
  return log_mean - 0.5f * std::log(1.0f - std::exp(2.0f * log_mean));
}

float ContinuousSchedule::time_of_lambda(float lambda) const {
  const at::Tensor doubled = at::scalar_tensor(-2.0f * lambda, at::kFloat);
  const float log_mean = -0.5f * at::logaddexp(at::zeros_like(doubled), doubled).item<float>();
  std::vector<float> rising(log_alphas_.rbegin(), log_alphas_.rend());
  std::vector<float> falling(times_.rbegin(), times_.rend());
  return interpolate(rising, falling, log_mean);
}

double ContinuousSchedule::model_time(float t) const {
  const auto shortest = static_cast<float>(1.0 / static_cast<double>(times_.size()));
  return static_cast<double>((t - shortest) * 1000.0f);
}

std::vector<float> times_to_end(const NoiseSchedule& schedule, float from, int64_t steps,
                                UniPcSkip skip) {
  const double end = 1.0 / static_cast<double>(schedule.timesteps());
  const auto line = [steps](double first, double last) {
    return at::linspace(first, last, steps + 1, at::kFloat);
  };
  const auto numbers = [steps](const at::Tensor& times) {
    const float* data = times.const_data_ptr<float>();
    return std::vector<float>(data, data + steps + 1);
  };
  if (skip == UniPcSkip::kTimeUniform) return numbers(line(from, end));
  if (skip == UniPcSkip::kTimeQuadratic)
    return numbers(line(std::sqrt(from), std::sqrt(end)).pow(2));
  const ContinuousSchedule continuous(schedule);
  std::vector<float> times =
      numbers(line(continuous.lambda(from), continuous.lambda(static_cast<float>(end))));
  for (float& t : times) t = continuous.time_of_lambda(t);
  return times;
}

Levels levels_at(const NoiseSchedule& schedule, const std::vector<float>& times) {
  const ContinuousSchedule continuous(schedule);
  Levels levels;
  for (const float t : times) {
    levels.push_back({continuous.model_time(t), continuous.alpha(t), continuous.sigma(t)});
  }
  return levels;
}

}  // namespace sd::sampling
