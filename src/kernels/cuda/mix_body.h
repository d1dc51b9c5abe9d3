#pragma once

#include <cstdint>

#include "kernels/cuda/host_device.h"
#include "kernels/mix.h"

namespace sd::kernels::cuda {

inline constexpr int kMixThreads = 256;

/// y = (Σ weights[k]·x[k]) / divisor in one pass.
struct MixJob {
  int terms;
  float weights[kMixTerms];
  const float* x[kMixTerms];  ///< [count] each
  float divisor;
  float* y;
  int64_t count;
};

/// Value `i` of the result, 0 to count - 1.
SD_HOST_DEVICE void mix_at(const MixJob& job, int64_t i) {
  float sum = 0;
  for (int k = 0; k < job.terms; ++k) sum += job.weights[k] * job.x[k][i];
  job.y[i] = sum / job.divisor;
}

}  // namespace sd::kernels::cuda
