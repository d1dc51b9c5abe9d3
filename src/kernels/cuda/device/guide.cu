#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kGuideThreads) guide(GuideJob job) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kGuideThreads + threadIdx.x;
  if (index < job.count) guide_at(job, index);
}

}  // namespace

void launch_guide(const GuideJob& job, cudaStream_t stream) {
  const int64_t blocks = (job.count + kGuideThreads - 1) / kGuideThreads;
  guide<<<static_cast<unsigned>(blocks), kGuideThreads, 0, stream>>>(job);
}

}  // namespace sd::kernels::cuda
