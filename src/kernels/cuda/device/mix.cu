#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kMixThreads) mix(MixJob job) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kMixThreads + threadIdx.x;
  if (index < job.count) mix_at(job, index);
}

}  // namespace

void launch_mix(const MixJob& job, cudaStream_t stream) {
  const int64_t blocks = (job.count + kMixThreads - 1) / kMixThreads;
  mix<<<static_cast<unsigned>(blocks), kMixThreads, 0, stream>>>(job);
}

}  // namespace sd::kernels::cuda
