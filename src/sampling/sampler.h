#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string_view>

#include "kernels/mix.h"
#include "sampling/denoiser.h"
#include "sampling/model_sigmas.h"
#include "sampling/noise_stream.h"
#include "sampling/schedule.h"
#include "sd/sampler_knobs.h"

namespace sd::sampling {

/// Called after each step (counted from 1) with the latent and the picture it predicts.
struct StepState {
  int64_t step;
  int64_t total;
  const at::Tensor& x;
  const at::Tensor& pred_x0;
};
using StepFn = std::function<void(const StepState&)>;

/// Makes of the latent that a step begins with, at its level, what the step begins with.
using BeginFn = std::function<at::Tensor(const at::Tensor& x, const Level& at, NoiseStream& noise)>;

/// What a sampler works on.
struct SampleArgs {
  Denoiser& denoise;
  at::Tensor x;                   ///< [N, C, h, w] f32 at the first level
  std::span<const Level> levels;  ///< one more than steps; with one there is nothing to do
  /// With Grid::kTime and kUniPc: the continuous times of the levels; with kTrailing the timesteps
  /// that the steps go to, -1 for the last level.
  std::span<const float> times;
  int64_t count;  ///< with Grid::kEnds: evaluations asked for
  int64_t total;  ///< of the steps that are told
  const ModelSigmas& model;
  NoiseStream& noise;
  const kernels::MixKernel& mix;
  const SamplerKnobs& knobs;
  StepFn on_step;      ///< may be empty; may throw to stop
  BeginFn begin = {};  ///< may be empty; samplers of Grid::kDdim call it

  int64_t steps() const { return std::ssize(levels) - 1; }
  /// What step i, from 0, begins with.
  at::Tensor begun(const at::Tensor& latent, int64_t i) const {
    return begin ? begin(latent, levels[static_cast<size_t>(i)], noise) : latent;
  }
  /// Tells on_step of a step, counted from 1.
  void report(int64_t step, const at::Tensor& latent, const at::Tensor& x0) const {
    if (on_step) on_step({step, std::max(step, total), latent, x0});
  }
};

/// Where a sampler's levels come from.
enum class Grid {
  kDdim,       ///< the reference's timesteps: 1, c + 1, 2c + 1, …, with c = T / steps
  kTime,       ///< evenly in continuous time from 1 to 1/T, as the reference's DPM-Solver
  kWebUi,      ///< the reference's timesteps without the last step, as in the web UI
  kUniPc,      ///< as many steps as kWebUi has timesteps, laid in continuous time
  kSigmas,     ///< a schedule
  kEnds,       ///< the sampler lays its own between the model's highest and lowest level, from a
               ///< picture between the ends of a schedule's part
  kDistilled,  ///< some of the times that a model of few steps was distilled on
  kTrailing,   ///< whole timesteps from the end of the training schedule
};

/// Random numbers that a sampler asks for.
enum class NoiseUse {
  kNone,
  kDraws,     ///< one after the other
  kBrownian,  ///< increments of a Brownian path
};

/// What a sampler does with an eta that is not 0.
enum class Eta {
  kTaken,
  kRefused,  ///< an error, as in the reference
  kIgnored,  ///< nothing, as in the reference and the web UI
};

/// Knobs that a sampler looks at, beside eta and those of schedules and guidance; to be added up.
enum Knob : unsigned {
  kNoKnob = 0,
  kNoiseKnob = 1,
  kChurnKnobs = 2,
  kUniPcKnobs = 4,
  kDistilledKnobs = 8,
  kTrailingKnobs = 16
};

/// The step counts that a sampler takes.
struct StepLimits {
  int64_t least = 1;
  int64_t most = 0;  ///< 0: the model's timesteps
  int64_t usual = 50;
};

struct SamplingPlan;

/// A sampler that a user can choose.
struct Sampler {
  const char* name;       ///< as flags and records call it
  const char* label;      ///< as AUTOMATIC1111's web UI calls it
  const char* old_names;  ///< other names in the web UI's texts, with commas between
  /// Takes the noise out of `args.x`, step by step. Returns the latent, [N, C, h, w].
  at::Tensor (*sample)(const SampleArgs& args);
  Grid grid = Grid::kSigmas;
  const char* schedule = "uniform";  ///< the usual one, with Grid::kSigmas and kEnds
  NoiseUse noise = NoiseUse::kNone;
  /// The tensors that it draws in a run; -1 if that cannot be told before.
  int64_t (*draws)(const SamplingPlan& plan);
  /// The steps that it tells of; null: one from each level to the next.
  int64_t (*told_steps)(const SamplingPlan& plan) = nullptr;
  int evaluations = 1;  ///< of the network, a step
  Eta eta = Eta::kIgnored;
  double usual_eta = 0;
  unsigned knobs = kNoKnob;
  StepLimits limits = {.least = 1, .most = 10'000, .usual = 20};
  bool starts_from_picture = true;
  bool discards_next_to_last = false;  ///< as if that knob were on
  bool uses_noise_seed_delta = false;  ///< whether the web UI's text says ENSD
  bool consistency = false;            ///< for latent consistency models
  double guidance = 1;                 ///< factor of the scale
  /// One of the reference's own: not what the web UI means by the label.
  bool reference = false;
  /// Whether the web UI has it; else the label is ours.
  bool webui = true;
};

/// Whether a run of it looks at the schedule. `from_picture`: whether it starts from one.
constexpr bool uses_schedule(const Sampler& sampler, bool from_picture) {
  return sampler.grid == Grid::kSigmas || (sampler.grid == Grid::kEnds && from_picture);
}

/// All samplers; the tests run over this table.
std::span<const Sampler> samplers();

/// A sampler and, where its name says one ("DPM++ 2M Karras"), a schedule.
struct SamplerChoice {
  const Sampler& sampler;
  const Schedule* schedule;
};

/// The sampler of that name, in any case: a short name, else a label or an old name of the web UI,
/// with or without a schedule's behind it. Throws kUsage, with the nearest names.
SamplerChoice choose_sampler(std::string_view name);

/// The sampler that the web UI means: by its label or old names, but not the reference's own. Null
/// where there is none.
const Sampler* find_webui_sampler(std::string_view label);

/// The sampler of that short name; throws kUsage, with the nearest names.
const Sampler& find_sampler(std::string_view name);

}  // namespace sd::sampling
