#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sampling/continuous_schedule.h"
#include "sampling/samplers/samplers.h"

namespace sd::sampling {
namespace {

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

}  // namespace

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095), as the reference sets it up: data
/// prediction, uniform in time, the last step of first order below 15 steps. No draws.
static at::Tensor sample_dpm_solver(const SampleArgs& args) {
  constexpr int64_t kFirstOrderBelow = 15;  // below, the last step is of first order
  const int64_t steps = args.steps();
  const ContinuousSchedule schedule(args.model.schedule());
  const std::span<const float> times = args.times;
  at::Tensor x = args.x;
  at::Tensor before;
  for (int64_t i = 0; i < steps; ++i) {
    const auto at = static_cast<size_t>(i);
    const at::Tensor x0 = args.denoise(x, args.levels[at]).x0;
    const bool last_of_few = i == steps - 1 && steps < kFirstOrderBelow;
    x = i == 0 || last_of_few
            ? first_order(args, schedule, times[at], times[at + 1], x, x0)
            : second_order(args, schedule, times[at - 1], times[at], times[at + 1], x, x0, before);
    args.report(i + 1, x, x0);
    before = x0;
  }
  return x;
}

Sampler dpm_solver_sampler() {
  return {.name = "dpm_solver",
          .label = "DPM++ 2M",
          .old_names = "",
          .sample = sample_dpm_solver,
          .grid = Grid::kTime,
          .draws = no_draws,
          .limits = kFromTwo,
          .starts_from_picture = false,
          .reference = true};
}

}  // namespace sd::sampling
