#include "sampling/picture_steps.h"

#include <algorithm>

namespace sd::sampling {

int64_t share_of(double strength, int64_t steps) {
  return static_cast<int64_t>(strength * static_cast<double>(steps));
}

PictureSteps picture_steps(double strength, int64_t steps, bool fix_steps) {
  constexpr double kMost = 0.999;  // the web UI takes 1 for a little less
  const double share = std::min(strength, kMost);
  if (!fix_steps) return {steps, share_of(share, steps)};
  if (share <= 0) return {0, steps - 1};
  return {static_cast<int64_t>(static_cast<double>(steps) / share), steps - 1};
}

}  // namespace sd::sampling
