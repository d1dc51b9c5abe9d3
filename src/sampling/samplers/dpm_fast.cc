#include "sampling/samplers/dpm_solver_steps.h"

namespace sd {
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

}  // namespace

int64_t dpm_fast_steps(int64_t evaluations) { return std::ssize(orders_of(evaluations)); }

at::Tensor sample_dpm_fast(const SampleArgs& args) {
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

}  // namespace sd
