#pragma once

#include <cmath>
#include <vector>

namespace sd::sampling {

/// How much noise a latent has: x = alpha·x0 + sigma·eps, at time t of the training schedule (whole
/// or not). The reference's levels have alpha² + sigma² = 1; those of k-diffusion have alpha 1.
/// (Double holds what was computed in single precision, and in tests in double.)
struct Level {
  double t = 0;
  double alpha = 1;
  double sigma = 0;
};

/// Highest noise first; the last is where a run ends. A run that starts from a picture takes the
/// end of them.
using Levels = std::vector<Level>;

/// What the network's input is multiplied by, since it was trained on alpha² + sigma² = 1.
inline double input_scale(const Level& level) {
  return level.alpha == 1 ? 1 / std::sqrt(level.sigma * level.sigma + 1) : 1;
}

}  // namespace sd::sampling
