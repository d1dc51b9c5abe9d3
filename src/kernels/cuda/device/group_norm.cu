#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda {
namespace {

template <int kWidth, class T>
__global__ void __launch_bounds__(kNormThreads) sums(NormJob<T> job) {
  extern __shared__ float shared[];
  const auto thread = static_cast<int>(threadIdx.x);
  norm_accumulate<kWidth>(job, blockIdx.x, blockIdx.y, thread, shared);
  __syncthreads();
  norm_fold_rows(job, thread, shared);
  __syncthreads();
  norm_fold_channels(job, blockIdx.x, blockIdx.y, thread, shared);
}

template <class T>
__global__ void __launch_bounds__(kNormFoldThreads) finish(NormJob<T> job) {
  __shared__ double shared[2 * kNormFoldThreads];
  const auto group = static_cast<int>(blockIdx.x);
  const auto thread = static_cast<int>(threadIdx.x);
  norm_gather(job, group, blockIdx.y, thread, shared);
  __syncthreads();
  norm_finish(job, group, blockIdx.y, thread, shared);
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kNormThreads) apply(NormJob<T> job) {
  norm_apply<kWidth>(job, blockIdx.x, blockIdx.y, static_cast<int>(threadIdx.x));
}

/// Whether the job's layout is one of packs.
template <class T>
bool in_packs(const NormJob<T>& job) {
  return job.layout.vectors < job.channels;
}

template <class T>
dim3 grid(const NormJob<T>& job, int64_t pictures) {
  return {static_cast<unsigned>(job.layout.chunks), static_cast<unsigned>(pictures), 1};
}

}  // namespace

template <class T>
void launch_norm_affine(const NormJob<T>& job, int64_t pictures, cudaStream_t stream) {
  const auto threads = static_cast<unsigned>(job.layout.threads());
  const size_t shared = sizeof(float) * static_cast<size_t>(job.layout.shared_floats(job.channels));
  if (in_packs(job)) {
    sums<kPackWidth<T>><<<grid(job, pictures), threads, shared, stream>>>(job);
  } else {
    sums<1><<<grid(job, pictures), threads, shared, stream>>>(job);
  }
  const dim3 groups(static_cast<unsigned>(job.groups), static_cast<unsigned>(pictures), 1);
  finish<<<groups, kNormFoldThreads, 0, stream>>>(job);
}

template <class T>
void launch_norm_apply(const NormJob<T>& job, int64_t pictures, cudaStream_t stream) {
  const auto threads = static_cast<unsigned>(job.layout.threads());
  if (in_packs(job)) {
    apply<kPackWidth<T>><<<grid(job, pictures), threads, 0, stream>>>(job);
  } else {
    apply<1><<<grid(job, pictures), threads, 0, stream>>>(job);
  }
}

#define SD_INSTANTIATE(T)                                                        \
  template void launch_norm_affine<T>(const NormJob<T>&, int64_t, cudaStream_t); \
  template void launch_norm_apply<T>(const NormJob<T>&, int64_t, cudaStream_t);
SD_INSTANTIATE(float)
SD_INSTANTIATE(c10::Half)
SD_INSTANTIATE(c10::BFloat16)
#undef SD_INSTANTIATE

}  // namespace sd::kernels::cuda
