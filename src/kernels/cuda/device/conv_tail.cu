#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda {
namespace {

template <int kWidth, class Index, class T>
__global__ void __launch_bounds__(kConvTailThreads) tail(ConvTailJob<T> job, Index packs) {
  const Index index = static_cast<Index>(blockIdx.x) * kConvTailThreads + threadIdx.x;
  if (index < packs) conv_tail_at<kWidth>(job, index);
}

template <int kWidth, class T>
void launch(const ConvTailJob<T>& job, cudaStream_t stream) {
  const int64_t packs = job.count() / kWidth;
  const auto blocks = static_cast<unsigned>((packs + kConvTailThreads - 1) / kConvTailThreads);
  if (job.is_small()) {
    tail<kWidth><<<blocks, kConvTailThreads, 0, stream>>>(job, static_cast<uint32_t>(packs));
  } else {
    tail<kWidth><<<blocks, kConvTailThreads, 0, stream>>>(job, packs);
  }
}

}  // namespace

template <class T>
void launch_conv_tail(const ConvTailJob<T>& job, cudaStream_t stream) {
  constexpr int kWidth = kPackWidth<T>;
  constexpr size_t kBytes = sizeof(Pack<T, kWidth>);
  // (A null pointer is aligned.)
  if (job.channels % kWidth == 0 && is_aligned(job.y, job.bias, kBytes) &&
      is_aligned(job.added, job.residual, kBytes)) {
    launch<kWidth>(job, stream);
  } else {
    launch<1>(job, stream);
  }
}

template void launch_conv_tail<float>(const ConvTailJob<float>&, cudaStream_t);
template void launch_conv_tail<c10::Half>(const ConvTailJob<c10::Half>&, cudaStream_t);
template void launch_conv_tail<c10::BFloat16>(const ConvTailJob<c10::BFloat16>&, cudaStream_t);

}  // namespace sd::kernels::cuda
