#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda {
namespace {

template <int kWidth, class Index, class T>
__global__ void __launch_bounds__(kGegluThreads) gate(GegluJob<T> job, Index packs) {
  const Index index = static_cast<Index>(blockIdx.x) * kGegluThreads + threadIdx.x;
  if (index < packs) geglu_at<kWidth>(job, index);
}

template <int kWidth, class T>
void launch(const GegluJob<T>& job, cudaStream_t stream) {
  const int64_t packs = job.rows * job.columns / kWidth;
  const auto blocks = static_cast<unsigned>((packs + kGegluThreads - 1) / kGegluThreads);
  if (geglu_is_small(job)) {
    gate<kWidth><<<blocks, kGegluThreads, 0, stream>>>(job, static_cast<uint32_t>(packs));
  } else {
    gate<kWidth><<<blocks, kGegluThreads, 0, stream>>>(job, packs);
  }
}

}  // namespace

template <class T>
void launch_geglu(const GegluJob<T>& job, cudaStream_t stream) {
  constexpr int kWidth = kPackWidth<T>;
  if (job.columns % kWidth == 0 && is_aligned(job.x, job.y, sizeof(Pack<T, kWidth>))) {
    launch<kWidth>(job, stream);
  } else {
    launch<1>(job, stream);
  }
}

template void launch_geglu<float>(const GegluJob<float>&, cudaStream_t);
template void launch_geglu<c10::Half>(const GegluJob<c10::Half>&, cudaStream_t);
template void launch_geglu<c10::BFloat16>(const GegluJob<c10::BFloat16>&, cudaStream_t);

}  // namespace sd::kernels::cuda
