#pragma once

#include <cstdint>
#include <vector>

namespace sd::sampling {

/// The forward process of training: how much of the picture is left after t steps of noise.
class NoiseSchedule {
 public:
  /// alphas_cumprod[t], t from 0: the share of the picture's variance. At least two values, each in
  /// (0, 1]; throws kCheckpoint otherwise.
  explicit NoiseSchedule(std::vector<float> alphas_cumprod);

  /// The reference's "linear" schedule: square roots of beta on a line from start to end
  /// (ldm.modules.diffusionmodules.util.make_beta_schedule), in double, rounded to float at the
  /// end.
  static NoiseSchedule linear(double linear_start, double linear_end, int64_t timesteps);

  /// This schedule, stretched so that its last level is pure noise: algorithm 1 of Lin et al. 2023
  /// ("Common Diffusion Noise Schedules and Sample Steps are Flawed"). The last value is not 0, by
  /// which nothing could be divided, but the web UI's and ComfyUI's 4.897e-8.
  NoiseSchedule with_zero_snr() const;

  int64_t timesteps() const { return static_cast<int64_t>(alphas_cumprod_.size()); }
  const std::vector<float>& alphas_cumprod() const { return alphas_cumprod_; }

 private:
  std::vector<float> alphas_cumprod_;
};

/// The steps that DDIM and PLMS take, in rising order of t, with the reference's arithmetic.
struct DdimSchedule {
  std::vector<int64_t> timesteps;
  std::vector<float> alphas;       ///< alphas_cumprod at the timesteps
  std::vector<float> alphas_prev;  ///< one step lower; the first is alphas_cumprod[0]
  std::vector<float> sigmas;       ///< eta times the deviation of the ancestral step
  std::vector<float> sqrt_one_minus_alphas;

  int64_t size() const { return static_cast<int64_t>(timesteps.size()); }
};

/// ldm.modules.diffusionmodules.util.make_ddim_timesteps with "uniform", and
/// make_ddim_sampling_parameters. With c = T / steps (whole division) the timesteps are 1, c+1,
/// 2c+1, …: for many step counts that is more than `steps`. Where the last one falls on T, one past
/// the end (the reference fails there), it is taken as T - 1.
/// `steps` from 1 to T; throws kUsage otherwise, and for an eta so large that the step has no real
/// solution.
DdimSchedule make_ddim_schedule(const NoiseSchedule& schedule, int64_t steps, double eta);

/// eta times the deviation of the ancestral step between two values of alphas_cumprod.
float ddim_deviation(float alpha, float alpha_prev, double eta);

/// What the reference does with a step count.
struct StepCount {
  int64_t actual = 0;         ///< how many steps are taken
  bool past_the_end = false;  ///< the reference would fail: its last timestep is out of range
};
StepCount ddim_step_count(int64_t timesteps, int64_t steps);

}  // namespace sd::sampling
