#pragma once

namespace sd {

/// Predictions of older steps that a step may look back on.
inline constexpr int kOlderEps = 3;

/// What a sampler computes in one step, from the network's answer to the next latent:
///
///   eps      = eps_u + scale·(eps_c - eps_u)                  guidance (Ho and Salimans 2022)
///   combined = (now·eps + older[0]·eps₋₁ + …) / divisor
///   x0       = (x - x0_eps·combined) / x0_x                   the picture that this predicts
///   next     = next_x·x + next_x0·x0 + next_eps·combined + next_noise·noise
///              + next_slope·(slope·(x0 - x0_before))
///
/// A term whose coefficient is 0 is left out, so that its tensor need not be there.
struct StepCoefficients {
  float now = 1;
  float older[kOlderEps] = {};
  float divisor = 1;
  float x0_eps = 0;
  float x0_x = 1;
  float next_x = 0;
  float next_x0 = 0;
  float next_eps = 0;
  float next_noise = 0;
  float next_slope = 0;
  float slope = 0;
};

}  // namespace sd
