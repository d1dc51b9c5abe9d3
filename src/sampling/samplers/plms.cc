#include <ATen/ATen.h>

#include <deque>

#include "sampling/samplers/samplers.h"

namespace sd {
namespace {

/// Adams-Bashforth over the newest and up to three older predictions (`old` has the newest last).
at::Tensor multistep(const at::Tensor& eps, const std::deque<at::Tensor>& old) {
  const size_t n = old.size();
  if (n == 1) return (3 * eps - old[0]) / 2;
  if (n == 2) return (23 * eps - 16 * old[1] + 5 * old[0]) / 12;
  return (55 * eps - 59 * old[n - 1] + 37 * old[n - 2] - 9 * old[n - 3]) / 24;
}

}  // namespace

at::Tensor sample_plms(const SampleArgs& args) {
  const DdimSchedule schedule = make_ddim_schedule(args.schedule, args.steps, /*eta=*/0);
  const int64_t total = args.start < 0 ? schedule.size() : std::min(args.start, schedule.size());
  const auto time = [&](int64_t index) {
    return static_cast<double>(schedule.timesteps[static_cast<size_t>(index)]);
  };
  at::Tensor x = args.x;
  std::deque<at::Tensor> old_eps;
  for (int64_t index = total - 1; index >= 0; --index) {
    const at::Tensor eps = args.eps(x, time(index));
    at::Tensor eps_prime;
    if (old_eps.empty()) {
      // Pseudo improved Euler: a look at the next point. (This draw, times sigma 0, counts.)
      const DdimStep trial =
          ddim_step(schedule, index, x, eps, noise_like(x, args.noise, args.noise_rows));
      eps_prime = (eps + args.eps(trial.x_prev, time(std::max<int64_t>(index - 1, 0)))) / 2;
    } else {
      eps_prime = multistep(eps, old_eps);
    }
    const DdimStep step =
        ddim_step(schedule, index, x, eps_prime, noise_like(x, args.noise, args.noise_rows));
    x = step.x_prev;
    old_eps.push_back(eps);
    if (old_eps.size() > 3) old_eps.pop_front();
    if (args.on_step) args.on_step({total - index, total, x, step.pred_x0});
  }
  return x;
}

}  // namespace sd
