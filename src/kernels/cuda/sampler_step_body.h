#pragma once

#include <cstdint>

#include "kernels/cuda/host_device.h"
#include "kernels/step_coefficients.h"

namespace sd::cuda {

inline constexpr int kSamplerStepThreads = 256;

/// All of a step in one pass. Pointers to what the coefficients leave out may be null.
struct SamplerStepJob {
  StepCoefficients step;
  const float* eps;     ///< [2*count]: the unconditional half, then the other; [count] unguided
  const float* scales;  ///< of the pictures, or null
  const float* x;       ///< [count], as all that follow
  const float* older[kOlderEps];
  const float* noise;
  const float* x0_before;
  float* guided;  ///< the guided prediction; null where there are no scales
  float* x0;
  float* next;
  int64_t count;    ///< of all values of the latent
  int64_t picture;  ///< of a picture's
};

/// Value `i` of the results, 0 to count - 1.
SD_HOST_DEVICE void sampler_step_at(const SamplerStepJob& job, int64_t i) {
  const StepCoefficients& step = job.step;
  float eps = job.eps[i];
  if (job.scales != nullptr) {
    eps += job.scales[i / job.picture] * (job.eps[job.count + i] - eps);
    job.guided[i] = eps;
  }
  eps *= step.now;
  for (int k = 0; k < kOlderEps; ++k) {
    if (step.older[k] != 0) eps += step.older[k] * job.older[k][i];
  }
  eps /= step.divisor;
  const float x = job.x[i];
  const float x0 = (x - step.x0_eps * eps) / step.x0_x;
  float next = 0;
  if (step.next_x != 0) next += step.next_x * x;
  if (step.next_x0 != 0) next += step.next_x0 * x0;
  if (step.next_eps != 0) next += step.next_eps * eps;
  if (step.next_noise != 0) next += step.next_noise * job.noise[i];
  if (step.next_slope != 0) next += step.next_slope * (step.slope * (x0 - job.x0_before[i]));
  job.x0[i] = x0;
  job.next[i] = next;
}

}  // namespace sd::cuda
