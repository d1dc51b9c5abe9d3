#include <ATen/ATen.h>

#include <boost/math/distributions/beta.hpp>
#include <vector>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {

/// Quantiles of a beta distribution (Lee et al. 2024, arXiv:2407.12173), in sigma.
static at::Tensor beta_sigmas(const ScheduleArgs& args) {
  const boost::math::beta_distribution<double> beta(args.beta_alpha, args.beta_beta);
  const int64_t last = args.steps - 1;
  std::vector<double> sigmas;
  for (int64_t i = 0; i <= last; ++i) {
    const double share = 1 - (last > 0 ? static_cast<double>(i) / static_cast<double>(last) : 0);
    const double place = boost::math::quantile(beta, share);
    sigmas.push_back(args.sigma_min + place * (args.sigma_max - args.sigma_min));
  }
  return with_zero(at::tensor(sigmas, at::kDouble).to(at::kFloat));
}

Schedule beta_schedule() { return {"beta", "Beta", "", beta_sigmas}; }

}  // namespace sd::sampling
