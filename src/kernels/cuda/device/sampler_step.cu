#include "kernels/cuda/device/launch.h"

namespace sd::cuda {
namespace {

__global__ void __launch_bounds__(kGuidanceThreads) guide(GuidanceJob job) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kGuidanceThreads + threadIdx.x;
  if (index < job.count) guidance_at(job, index);
}

}  // namespace

void launch_guidance(const GuidanceJob& job, cudaStream_t stream) {
  const int64_t blocks = (job.count + kGuidanceThreads - 1) / kGuidanceThreads;
  guide<<<static_cast<unsigned>(blocks), kGuidanceThreads, 0, stream>>>(job);
}

}  // namespace sd::cuda
