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

namespace sd {

/// Called after each step (counted from 1) with the latent and the picture it predicts.
struct StepState {
  int64_t step;
  int64_t total;
  const at::Tensor& x;
  const at::Tensor& pred_x0;
};
using StepFn = std::function<void(const StepState&)>;

/// What a user may turn on a sampler; each sampler's row says which it looks at.
struct SamplerKnobs {
  double eta = 0;  ///< DDIM's: 0 deterministic, 1 as DDPM
};

/// What a sampler works on.
struct SampleArgs {
  Denoiser& denoise;
  at::Tensor x;                   ///< [N, C, h, w] f32 at the first level
  std::span<const Level> levels;  ///< one more than steps; with one there is nothing to do
  const ModelSigmas& model;
  NoiseStream& noise;
  const MixKernel& mix;
  const SamplerKnobs& knobs;
  StepFn on_step;  ///< may be empty; may throw to stop

  int64_t steps() const { return std::ssize(levels) - 1; }
  /// Tells on_step of a step, counted from 1.
  void report(int64_t step, const at::Tensor& latent, const at::Tensor& x0) const {
    if (on_step) on_step({step, steps(), latent, x0});
  }
};

/// Where a sampler's levels come from.
enum class Grid {
  kDdim,    ///< the reference's timesteps: 1, c + 1, 2c + 1, …, with c = T / steps
  kTime,    ///< evenly in continuous time from 1 to 1/T, as the reference's DPM-Solver
  kSigmas,  ///< a schedule
};

/// Random numbers that a sampler asks for.
enum class NoiseUse { kNone, kEachStep };

/// What a sampler does with an eta that is not 0.
enum class Eta {
  kTaken,
  kRefused,  ///< an error, as in the reference
  kIgnored,  ///< nothing, as in the reference
};

/// The step counts that a sampler takes.
struct StepLimits {
  int64_t least = 1;
  int64_t most = 0;  ///< 0: the model's timesteps
  int64_t usual = 50;
};

/// A sampler that a user can choose.
struct Sampler {
  const char* name;       ///< as flags and records call it
  const char* label;      ///< as AUTOMATIC1111's web UI calls it
  const char* old_names;  ///< other names in the web UI's texts, with commas between
  /// Takes the noise out of `args.x`, step by step. Returns the latent, [N, C, h, w].
  at::Tensor (*sample)(const SampleArgs& args);
  Grid grid;
  NoiseUse noise;
  /// The tensors that it draws in so many steps.
  int64_t (*draws)(int64_t steps);
  int evaluations = 1;  ///< of the network, a step
  Eta eta = Eta::kRefused;
  bool starts_from_picture = true;
  const char* schedule = "";  ///< the usual one, with Grid::kSigmas
  StepLimits limits = {};
  /// One of the reference's own: not what the web UI means by the label.
  bool reference = false;
};

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

/// The sampler of that short name; throws kUsage, with the nearest names.
const Sampler& find_sampler(std::string_view name);

}  // namespace sd
