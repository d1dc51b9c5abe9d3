#include "kernels/cuda/device/launch.h"

namespace sd::cuda {
namespace {

__global__ void __launch_bounds__(kSamplerStepThreads) step(SamplerStepJob job) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kSamplerStepThreads + threadIdx.x;
  if (index < job.count) sampler_step_at(job, index);
}

}  // namespace

void launch_sampler_step(const SamplerStepJob& job, cudaStream_t stream) {
  const int64_t blocks = (job.count + kSamplerStepThreads - 1) / kSamplerStepThreads;
  step<<<static_cast<unsigned>(blocks), kSamplerStepThreads, 0, stream>>>(job);
}

}  // namespace sd::cuda
