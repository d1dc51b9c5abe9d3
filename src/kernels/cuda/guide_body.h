#pragma once

#include <cstdint>

#include "kernels/cuda/host_device.h"

namespace sd::kernels::cuda {

inline constexpr int kGuideThreads = 256;

/// Guidance and the picture that it predicts, in one pass.
struct GuideJob {
  const float* answer;  ///< [2*count]: the unconditional half, then the other; [count] unguided
  const float* scales;  ///< of the pictures, or null
  const float* x;       ///< [count], as the results
  float alpha;
  float sigma;
  float* eps;  ///< null where there are no scales
  float* x0;
  int64_t count;    ///< of all values of the latent
  int64_t picture;  ///< of a picture's
};

/// Value `i` of the results, 0 to count - 1.
SD_HOST_DEVICE void guide_at(const GuideJob& job, int64_t i) {
  float eps = job.answer[i];
  if (job.scales != nullptr) {
    eps += job.scales[i / job.picture] * (job.answer[job.count + i] - eps);
    job.eps[i] = eps;
  }
  job.x0[i] = (job.x[i] - job.sigma * eps) / job.alpha;
}

}  // namespace sd::kernels::cuda
