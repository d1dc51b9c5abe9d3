#include <ATen/ATen.h>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// Sabour, Fidler and Kreis 2024 (arXiv:2404.14507), section 3.1; ends above 0.
static at::Tensor kl_optimal_sigmas(const ScheduleArgs& args) {
  const at::Tensor least = at::scalar_tensor(args.sigma_min, at::kFloat).arctan();
  const at::Tensor most = at::scalar_tensor(args.sigma_max, at::kFloat).arctan();
  const at::Tensor share = at::arange(args.steps + 1, at::kLong) / args.steps;
  return (share * least + (1.0 - share) * most).tan();
}

Schedule kl_optimal_schedule() { return {"kl_optimal", "KL Optimal", "", kl_optimal_sigmas}; }

}  // namespace sd::sampling
