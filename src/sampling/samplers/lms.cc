#include <algorithm>
#include <cmath>
#include <vector>

#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

/// The integral over the step from sigma i to the next of the polynomial that is 1 at sigma i - j
/// and 0 at the other `order` newest ones. Gauss and Legendre's three points are exact for it.
double multistep_weight(const std::vector<double>& sigmas, size_t order, size_t i, size_t j) {
  const double points[3] = {-std::sqrt(0.6), 0, std::sqrt(0.6)};
  const double weights[3] = {5.0 / 9, 8.0 / 9, 5.0 / 9};
  const double half = (sigmas[i + 1] - sigmas[i]) / 2;
  double sum = 0;
  for (size_t p = 0; p < 3; ++p) {
    const double at = sigmas[i] + half * (1 + points[p]);
    double product = 1;
    for (size_t k = 0; k < order; ++k) {
      if (k != j) product *= (at - sigmas[i - k]) / (sigmas[i - j] - sigmas[i - k]);
    }
    sum += weights[p] * product;
  }
  return half * sum;
}

}  // namespace

/// Linear multistep: Adams and Bashforth's for uneven steps, of order 4. No draws.
static at::Tensor sample_lms(const SampleArgs& args) {
  std::vector<double> sigmas;
  for (const Level& level : args.levels) sigmas.push_back(level.sigma);
  const auto most = static_cast<size_t>(args.knobs.lms_order);
  at::Tensor x = args.x;
  std::vector<at::Tensor> slopes;  // newest first
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const Prediction predicted = args.denoise(x, args.levels[i]);
    slopes.insert(slopes.begin(), predicted.eps);
    if (slopes.size() > most) slopes.pop_back();
    std::vector<kernels::MixTerm> terms = {{1, x}};
    for (size_t j = 0; j < slopes.size(); ++j) {
      terms.push_back({multistep_weight(sigmas, slopes.size(), i, j), slopes[j]});
    }
    x = args.mix(terms);
    args.report(static_cast<int64_t>(i) + 1, x, predicted.x0);
  }
  return x;
}

Sampler lms_sampler() {
  return {
      .name = "lms", .label = "LMS", .old_names = "k_lms", .sample = sample_lms, .draws = no_draws};
}

}  // namespace sd::sampling
