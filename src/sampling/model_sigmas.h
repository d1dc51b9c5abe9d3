#pragma once

#include <ATen/core/Tensor.h>

#include "sampling/levels.h"
#include "sampling/noise_schedule.h"

namespace sd {

/// A model's noise levels as k-diffusion counts them: sigma = sqrt((1 - a)/a) at each time of the
/// training schedule, log sigma linear between (k_diffusion.external.DiscreteSchedule). In single
/// precision with torch's own functions in its order, so that levels are equal to the last bit.
class ModelSigmas {
 public:
  explicit ModelSigmas(const NoiseSchedule& schedule);

  const NoiseSchedule& schedule() const { return schedule_; }
  at::Tensor all() const { return sigmas_; }  ///< [T] f32, ascending
  at::Tensor least() const { return sigmas_[0]; }
  at::Tensor most() const { return sigmas_[-1]; }

  /// sigma, one number → the time, from 0 to T - 1; not whole.
  at::Tensor time_of(const at::Tensor& sigma) const;
  /// times [n] → sigmas [n] f32.
  at::Tensor at_times(const at::Tensor& times) const;

  /// The level of a sigma, which is one number, f32 or f64, above 0; or 0.
  Level level(const at::Tensor& sigma) const;

 private:
  NoiseSchedule schedule_;
  at::Tensor sigmas_;
  at::Tensor logs_;
};

}  // namespace sd
