#pragma once

#include <optional>
#include <string>

#include "sampling/sampler.h"
#include "sampling/schedule.h"

namespace sd {

/// What is asked of a sampler.
struct SamplingSettings {
  std::string sampler = "ddim";
  std::string schedule = kAutomaticSchedule;
  int64_t steps = 50;
  SamplerKnobs knobs = {};
  /// Where a run starts from a picture: how much of it is noised away, 0 nothing, 1 all.
  std::optional<double> strength = {};
};

/// What a run takes.
struct SamplingPlan {
  const Sampler& sampler;
  Levels levels;
  /// What it starts from: alpha·picture + sigma·noise; alpha 0 without a picture.
  Level start;

  int64_t steps() const { return std::ssize(levels) - 1; }
};

/// Throws kUsage for an unknown sampler or schedule, for a count of steps that the sampler does not
/// take, and for an eta so large that DDIM's step has no real solution.
SamplingPlan plan_sampling(const ModelSigmas& model, const SamplingSettings& settings);

}  // namespace sd
