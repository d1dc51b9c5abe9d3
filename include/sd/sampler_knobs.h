#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sd {

/// UniPC's function B(h): h, e^h - 1, or coefficients that vary.
enum class UniPcVariant { kBh1, kBh2, kVaryCoeff };
/// The scale on which UniPC's times are evenly spaced: time, its root, or half the logarithm of the
/// signal-to-noise ratio.
enum class UniPcSkip { kTimeUniform, kTimeQuadratic, kLogSnr };

/// What a user may set for samplers and schedules, with AUTOMATIC1111's web UI's names in words;
/// each entry of the tables says which it uses. 0 in a sigma or rho: the usual one.
struct SamplerKnobs {
  /// How much new noise a step adds: 0 none. Absent: the sampler's usual, 1 for those of
  /// k-diffusion and 0 for DDIM's.
  std::optional<double> eta;
  double s_noise = 1;  ///< size of the noise that is added
  double s_churn = 0;  ///< noise added before each step of Euler, Heun and DPM2 …
  double s_tmin = 0;   ///< … from this sigma …
  double s_tmax = 0;   ///< … to this one; 0: any

  double sigma_min = 0;  ///< lowest and highest level of the schedule
  double sigma_max = 0;
  double rho = 0;  ///< of Karras and Polyexponential
  double beta_alpha = 0.6;
  double beta_beta = 0.6;
  std::vector<double> sigmas;         ///< levels instead of a schedule, falling
  bool old_karras_sigmas = false;     ///< sigma from 0.1 to 10
  bool discard_next_to_last = false;  ///< one step more, without the last level above 0
  bool quantize = false;              ///< whole timesteps
  bool downcast_alphas = false;       ///< the noise schedule in half precision
  bool sgm_noise = false;             ///< start from sqrt(1 + sigma²), not sigma

  double s_min_uncond = 0;  ///< below this sigma every other evaluation has no guidance (NGMS)
  bool s_min_uncond_all = false;  ///< below it, none has
  double skip_early_cond = 0;     ///< share of the evaluations that begin without guidance
  double guidance_from = 0;       ///< guidance from this share of the evaluations …
  double guidance_until = 1;      ///< … to this one

  double initial_noise = 1;  ///< factor of a picture's first noise
  double extra_noise = 0;    ///< more of it, and less of the picture's share
  bool fix_steps = false;    ///< with a picture, take as many steps as are asked for

  UniPcVariant unipc_variant = UniPcVariant::kBh1;
  UniPcSkip unipc_skip = UniPcSkip::kTimeUniform;
  int64_t unipc_order = 3;
  bool unipc_lower_order_final = true;
  int64_t lms_order = 4;

  int64_t original_steps = 50;    ///< times that a model of few steps was distilled on
  bool set_alpha_to_one = false;  ///< the last step of ddim_trailing leaves no noise

  bool operator==(const SamplerKnobs&) const = default;
};

}  // namespace sd
