#pragma once

#include <cstdint>

#include "kernels/cuda/host_device.h"

namespace sd::cuda {

inline constexpr int kGuidanceThreads = 256;

/// eps_u + scale·(eps_c - eps_u), each picture with a scale of its own.
struct GuidanceJob {
  const float* eps;     ///< [2*count]: the unconditional half, then the other
  const float* scales;  ///< of the pictures
  float* y;             ///< [count]
  int64_t count;        ///< of all values of a half
  int64_t picture;      ///< of a picture's
};

/// Value `index` of the result, 0 to count - 1.
SD_HOST_DEVICE void guidance_at(const GuidanceJob& job, int64_t index) {
  const float uncond = job.eps[index];
  job.y[index] = uncond + job.scales[index / job.picture] * (job.eps[job.count + index] - uncond);
}

}  // namespace sd::cuda
