#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/noise.h"
#include "sampling/denoiser.h"
#include "sampling/noise_schedule.h"

namespace sd {

/// Called after each step (counted from 1) with the latent and the picture it predicts.
struct StepState {
  int64_t step;
  int64_t total;
  const at::Tensor& x;
  const at::Tensor& pred_x0;
};
using StepFn = std::function<void(const StepState&)>;

/// What a sampler works on.
struct SampleArgs {
  const Denoiser& model;
  at::Tensor x;  ///< [N, C, h, w] f32: noise, or a noised picture
  const NoiseSchedule& schedule;
  int64_t steps;
  double eta = 0;      ///< where the sampler takes one
  int64_t start = -1;  ///< where it takes one: run the lowest `start` timesteps; -1: all
  NoiseSource& noise;
  /// Rows of every draw; the first N are used. At least N: a short batch draws as a full one, so
  /// that those after it are what they would have been.
  int64_t noise_rows;
  StepFn on_step;  ///< may be empty; may throw to stop
};

/// Takes the noise out of `args.x`, step by step. Returns the latent, [N, C, h, w].
using SampleFn = at::Tensor (*)(const SampleArgs& args);

/// What a sampler does with an eta that is not 0.
enum class Eta {
  kTaken,
  kRefused,  ///< an error, as in the reference
  kIgnored,  ///< likewise
};

/// A sampler that a user can choose.
struct Sampler {
  const char* name;  ///< as messages and metadata call it
  SampleFn sample;
  Eta eta;
  bool takes_start;
  /// The model's calls for so many steps, and the steps that are really taken. Throws kUsage for a
  /// count that the sampler cannot take.
  int64_t (*step_count)(int64_t timesteps, int64_t steps);
  /// The tensors that it draws in so many steps that are really taken.
  int64_t (*draws)(int64_t steps);
};

/// All samplers; the tests run over this table.
std::span<const Sampler> samplers();

/// The sampler of that name; throws kUsage, naming those there are.
const Sampler& find_sampler(std::string_view name);

/// The next tensor of the stream, [noise_rows, C, h, w], cut to x's rows and on x's device.
/// Undefined where its `weight` is 0: it is drawn, for those that come after it, and not sent
/// there.
at::Tensor step_noise(const SampleArgs& args, float weight);

/// q(x_t | x_0) at the noise level of DDIM timestep `index`: x0 → sqrt(a)·x0 + sqrt(1-a)·noise
/// (ldm.models.diffusion.ddim.DDIMSampler.stochastic_encode). An index one past the end, which the
/// reference fails on, is taken as the last.
at::Tensor stochastic_encode(const DdimSchedule& schedule, int64_t index, const at::Tensor& x0,
                             const at::Tensor& noise);

}  // namespace sd
