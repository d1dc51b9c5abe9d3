#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sampling/sampler.h"
#include "sampling/schedule.h"

namespace sd::sampling {

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
  std::shared_ptr<const ModelSigmas> model;
  Levels levels;
  /// What it starts from: alpha·picture + sigma·noise; alpha 0 without a picture.
  Level start;
  std::vector<float> times = {};  ///< as SampleArgs::times
  int64_t count = 0;              ///< as SampleArgs::count
  int64_t total = 0;              ///< steps that the sampler tells, if it can be known
  int64_t evaluations = 0;        ///< of the network, if it can be known
  /// The ends of a Brownian path: the lowest level above 0 and the highest, of the whole schedule.
  double lowest = 0, highest = 0;

  int64_t steps() const { return std::max<int64_t>(std::ssize(levels) - 1, 0); }
};

/// Throws kUsage for an unknown sampler or schedule, for a count of steps that the sampler does not
/// take, and for an eta so large that DDIM's step has no real solution.
SamplingPlan plan_sampling(const NoiseSchedule& schedule, const SamplingSettings& settings);

/// Takes the noise out of x [N, C, h, w], which is at the plan's first level. Returns the latent.
/// `begin`: as SampleArgs has it.
at::Tensor run_sampler(const SamplingPlan& plan, const SamplerKnobs& knobs, const at::Tensor& x,
                       const kernels::MixKernel& mix, NoiseStream* noise, Denoiser* denoiser,
                       const StepFn& on_step, const BeginFn& begin = nullptr);

/// Whether an evaluation of the run has guidance, by the knobs that end or skip it. Empty: all
/// have.
std::function<bool(const Evaluation&)> guidance_of(const SamplingPlan& plan,
                                                   const SamplingSettings& settings);

}  // namespace sd::sampling
