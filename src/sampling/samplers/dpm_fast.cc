#include "sampling/samplers/dpm_solver_steps.h"

namespace sd::sampling {
namespace {

/// The orders of the steps that make so many evaluations in all.
std::vector<int> orders_of(int64_t evaluations) {
  const int64_t thirds = evaluations / 3 + 1;
  std::vector<int> orders;
  if (evaluations % 3 == 0) {
    orders.assign(static_cast<size_t>(thirds - 2), 3);
    orders.insert(orders.end(), {2, 1});
  } else {
    orders.assign(static_cast<size_t>(thirds - 1), 3);
    orders.push_back(static_cast<int>(evaluations % 3));
  }
  return orders;
}

int64_t told_steps(const SamplingPlan& plan) {
  return plan.count > 0 ? std::ssize(orders_of(plan.count)) : 0;
}

}  // namespace

/// DPM-Solver (Lu et al. 2022, arXiv:2206.00927): `count` evaluations in steps of order 3, and
/// lower ones at the end. One draw a step.
static at::Tensor sample_dpm_fast(const SampleArgs& args) {
  const at::Tensor ends = sigmas_of(args).to(at::kFloat);
  const at::Tensor end = time_at(ends[-1]);
  const std::vector<int> orders = orders_of(args.count);
  const at::Tensor times = at::linspace(time_at(ends[0]), end, std::ssize(orders) + 1, at::kFloat);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < std::ssize(orders); ++i) {
    const NoisyTarget target = noisy_target(times[i], times[i + 1], end, ancestral_eta(args));
    DpmSolverStep step(args, x, times[i]);
    const int order = orders[static_cast<size_t>(i)];
    x = order == 1   ? step.first_order(target.to)
        : order == 2 ? step.second_order(target.to, 0.5)
                     : step.third_order(target.to);
    const double up = target.up * args.knobs.s_noise;
    const at::Tensor noise = args.noise.next(up);
    if (up != 0) x = args.mix({{1, x}, {up, noise}});
    args.report(i + 1, x, step.x0());
  }
  return x;
}

Sampler dpm_fast_sampler() {
  return {.name = "dpm_fast",
          .label = "DPM fast",
          .old_names = "k_dpm_fast",
          .sample = sample_dpm_fast,
          .grid = Grid::kEnds,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .told_steps = told_steps,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .knobs = kNoiseKnob,
          .uses_noise_seed_delta = true};
}

}  // namespace sd::sampling
