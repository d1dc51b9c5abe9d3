#include <utility>

#include "sampling/samplers/k_steps.h"
#include "sampling/schedules/schedules.h"

namespace sd::sampling {
namespace {

using SigmaStep = std::pair<at::Tensor, at::Tensor>;  // from one sigma to another

struct Restarts {
  int64_t steps = 0, times = 0;  // none
};

/// As the web UI sets them: by the count of steps.
Restarts restarts_of(int64_t steps) {
  if (steps >= 36) return {steps / 4, 2};
  if (steps >= 20) return {9, 1};
  return {};
}

int64_t nearest(const at::Tensor& sigmas, double to) {
  return (sigmas - to).abs().argmin(0).item<int64_t>();
}

void add_steps(const at::Tensor& sigmas, std::vector<SigmaStep>* steps) {
  for (int64_t i = 0; i + 1 < sigmas.size(0); ++i) steps->emplace_back(sigmas[i], sigmas[i + 1]);
}

/// Down the levels; where there are enough of them, back up from near 0.1 to near 2 and down again.
std::vector<SigmaStep> restart_steps(const at::Tensor& levels) {
  const int64_t count = levels.size(0) - 1;
  const Restarts restarts = restarts_of(count);
  std::vector<SigmaStep> steps;
  if (restarts.times == 0) {
    add_steps(levels, &steps);
    return steps;
  }
  const at::Tensor sigmas = karras_between(count - restarts.steps * restarts.times,
                                           weight(levels[-2]), weight(levels[0]));
  const int64_t low = nearest(sigmas, 0.1), high = nearest(sigmas, 2);
  add_steps(sigmas.slice(0, 0, low + 1), &steps);
  for (int64_t i = 0; i < restarts.times && high < low; ++i) {
    const at::Tensor again =
        karras_between(restarts.steps + 1, weight(sigmas[low]), weight(sigmas[high]));
    add_steps(again.slice(0, 0, restarts.steps + 1), &steps);
  }
  add_steps(sigmas.slice(0, low), &steps);
  return steps;
}

int64_t told_steps(const SamplingPlan& plan) {
  return std::ssize(restart_steps(sigmas_of(plan.levels)));
}

int64_t draw_a_jump(const SamplingPlan& plan) {
  const std::vector<SigmaStep> steps = restart_steps(sigmas_of(plan.levels));
  int64_t jumps = 0;
  for (size_t i = 1; i < steps.size(); ++i) {
    if (weight(steps[i - 1].second) < weight(steps[i].first)) ++jumps;
  }
  return jumps;
}

}  // namespace

/// Restart sampling (Xu et al. 2023, arXiv:2306.14878): Heun's steps, and from 20 of them on again
/// from sigma 2 to 0.1. A draw a jump.
static at::Tensor sample_restart(const SampleArgs& args) {
  const std::vector<SigmaStep> steps = restart_steps(sigmas_of(args.levels, args.x.scalar_type()));
  at::Tensor x = args.x;
  at::Tensor last;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& [from, to] = steps[i];
    if (last.defined() && weight(last) < weight(from)) {
      const double up = weight((from.pow(2) - last.pow(2)).pow(0.5)) * args.knobs.s_noise;
      x = args.mix({{1, x}, {up, args.noise.next(up)}});
    }
    const Prediction predicted = args.denoise(x, args.model.level(from));
    x = heun_step(args, x, predicted, from, to);
    args.report(static_cast<int64_t>(i) + 1, x, predicted.x0);
    last = to;
  }
  return x;
}

Sampler restart_sampler() {
  return {.name = "restart",
          .label = "Restart",
          .old_names = "",
          .sample = sample_restart,
          .schedule = "karras",
          .noise = NoiseUse::kDraws,
          .draws = draw_a_jump,
          .told_steps = told_steps,
          .evaluations = 2,
          .knobs = kNoiseKnob};
}

}  // namespace sd::sampling
