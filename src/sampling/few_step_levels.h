#pragma once

#include <optional>
#include <vector>

#include "sampling/levels.h"
#include "sampling/noise_schedule.h"

// The timesteps of samplers for few steps, as the schedulers of diffusers 0.42 lay them
// (src/diffusers/schedulers). Levels have alpha² + sigma² = 1, in double.

namespace sd::sampling {

/// What of a picture is noised away, and how many steps are left.
struct PictureShare {
  double strength = 1;
  /// Lay all steps below the strength, as diffusers' pipeline for latent consistency models; else
  /// leave the first ones out, as its pipeline for Stable Diffusion.
  bool all_steps = false;
};

/// The level of a whole timestep.
Level timestep_level(const NoiseSchedule& schedule, int64_t t);

/// `steps` of the `original` times that a model was distilled on (T/original·i - 1, i from 1), the
/// highest first, and time 0 behind them: TCDScheduler and LCMScheduler. Throws kUsage where there
/// are fewer originals than steps.
Levels distilled_levels(const NoiseSchedule& schedule, int64_t steps, int64_t original,
                        const std::optional<PictureShare>& share = {});

/// Timesteps from the end of the training schedule: round(T - i·T/steps) - 1, halves to even.
std::vector<int64_t> trailing_timesteps(int64_t total, int64_t steps);

/// Those of DDIMScheduler with trailing timesteps, and in `targets` the time that each step goes
/// to: T/steps (whole division) below its own, which is not always the next one's; -1 for what is
/// below 0. The last level stands for the end.
struct TrailingLevels {
  Levels levels;
  std::vector<float> targets;
};
/// `to_one`: the end has no noise; else that of time 0.
TrailingLevels trailing_levels(const NoiseSchedule& schedule, int64_t steps, bool to_one,
                               const std::optional<PictureShare>& share = {});

}  // namespace sd::sampling
