#pragma once

#include <cstdint>
#include <vector>

#include "sampling/levels.h"
#include "sampling/noise_schedule.h"
#include "sd/sampler_knobs.h"

namespace sd::sampling {

/// The noise schedule as a function of continuous time in (0, 1]: t_i = (i + 1)/T, log alpha linear
/// between. All in single precision, as DPM-Solver's and UniPC's NoiseScheduleVP.
class ContinuousSchedule {
 public:
  explicit ContinuousSchedule(const NoiseSchedule& schedule);

  float log_alpha(float t) const;  ///< log of the share of the picture in x_t
  float alpha(float t) const;
  float sigma(float t) const;
  float lambda(float t) const;  ///< half the logarithm of the signal-to-noise ratio
  float time_of_lambda(float lambda) const;
  double model_time(float t) const;  ///< the time that the network knows: 0 to T - 1, not whole

 private:
  std::vector<float> times_;
  std::vector<float> log_alphas_;
};

/// So many steps from a time to 1/T: [steps + 1] times, falling.
std::vector<float> times_to_end(const NoiseSchedule& schedule, float from, int64_t steps,
                                UniPcSkip skip = UniPcSkip::kTimeUniform);

/// The levels at these times.
Levels levels_at(const NoiseSchedule& schedule, const std::vector<float>& times);

}  // namespace sd::sampling
