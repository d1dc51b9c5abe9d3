#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "sampling/schedules/schedules.h"

namespace sd::sampling {
namespace {

constexpr double kOptimal[] = {14.615, 6.475, 3.861, 2.697, 1.886, 1.396,
                               0.963,  0.652, 0.399, 0.152, 0.029};
constexpr int64_t kCount = std::size(kOptimal);

/// A share i/last from the lowest sigma to the highest, on straight lines in log sigma.
double between(int64_t i, int64_t last) {
  const double place =
      last > 0 ? static_cast<double>(i) / static_cast<double>(last) * (kCount - 1) : 0;
  const auto below = std::min(static_cast<int64_t>(place), kCount - 2);
  const double low = std::log(kOptimal[kCount - 1 - below]);
  const double high = std::log(kOptimal[kCount - 2 - below]);
  return std::exp(low + (place - static_cast<double>(below)) * (high - low));
}

}  // namespace

/// Sabour, Fidler and Kreis 2024: the 11 levels found for Stable Diffusion 1.5.
static at::Tensor align_your_steps_sigmas(const ScheduleArgs& args) {
  std::vector<double> sigmas;
  if (args.steps == kCount) {
    sigmas.assign(std::begin(kOptimal), std::end(kOptimal));
  } else {
    for (int64_t i = args.steps - 1; i >= 0; --i) sigmas.push_back(between(i, args.steps - 1));
  }
  return with_zero(at::tensor(sigmas, at::kDouble).to(at::kFloat));
}

Schedule align_your_steps_schedule() {
  return {"align_your_steps", "Align Your Steps", "", align_your_steps_sigmas};
}

}  // namespace sd::sampling
