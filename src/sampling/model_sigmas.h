#pragma once

#include <ATen/core/Tensor.h>

#include "sampling/levels.h"
#include "sampling/noise_schedule.h"

namespace sd::sampling {

/// How a model's noise levels are counted.
struct SigmaRules {
  bool quantize = false;  ///< the nearest whole timestep everywhere
  bool downcast = false;  ///< from alphas_cumprod in half precision, which stays half
  /// Of the 50 levels alone that a latent consistency model was trained on (the web UI's
  /// modules/sd_samplers_lcm.py).
  bool consistency = false;
};

/// A model's noise levels as k-diffusion counts them: sigma = sqrt((1 - a)/a) at each time of the
/// training schedule, log sigma linear between (k_diffusion.external.DiscreteSchedule). In single
/// precision with torch's own functions in its order, so that levels are equal to the last bit.
class ModelSigmas {
 public:
  explicit ModelSigmas(NoiseSchedule schedule, const SigmaRules& rules = {});

  const NoiseSchedule& schedule() const { return schedule_; }
  const at::Tensor& all() const { return sigmas_; }  ///< [T], ascending
  double least() const { return sigmas_[0].item<double>(); }
  double most() const { return sigmas_[-1].item<double>(); }

  /// sigma, one number → the time, from 0 to T - 1; not always whole.
  at::Tensor time_of(const at::Tensor& sigma) const;
  /// times [n] → sigmas [n].
  at::Tensor at_times(const at::Tensor& times) const;
  /// The times of the highest and the lowest level.
  double first_time() const;
  double last_time() const;

  /// The level of a sigma, which is one number, f32 or f64, above 0; or 0.
  Level level(const at::Tensor& sigma) const;

 private:
  NoiseSchedule schedule_;
  SigmaRules rules_;
  at::Tensor sigmas_;
  at::Tensor logs_;
};

}  // namespace sd::sampling
