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

/// What is done to each group, by all threads of a block.
template <class T>
__device__ void make_groups(const NormJob<T>& job, int64_t picture, int thread, float* shared) {
  norm_gather(job, picture, thread, shared);
  __syncthreads();
  norm_finish(job, picture, thread, shared);
  __syncthreads();
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kNormThreads) apply(NormJob<T> job) {
  extern __shared__ float shared[];
  const auto thread = static_cast<int>(threadIdx.x);
  make_groups(job, blockIdx.y, thread, shared);
  norm_apply<kWidth>(job, blockIdx.x, blockIdx.y, thread, shared);
}

template <class T>
__global__ void __launch_bounds__(kNormThreads) write_affine(NormJob<T> job) {
  extern __shared__ float shared[];
  const auto thread = static_cast<int>(threadIdx.x);
  make_groups(job, blockIdx.x, thread, shared);
  norm_write_affine(job, blockIdx.x, thread, shared);
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

template <class T>
unsigned threads(const NormJob<T>& job) {
  return static_cast<unsigned>(job.layout.threads());
}

template <class T>
size_t groups_bytes(const NormJob<T>& job) {
  return sizeof(float) * static_cast<size_t>(job.layout.groups_floats(job.groups));
}

template <class T>
void launch_sums(const NormJob<T>& job, int64_t pictures, cudaStream_t stream) {
  const size_t shared = sizeof(float) * static_cast<size_t>(job.layout.sums_floats(job.channels));
  if (in_packs(job)) {
    sums<kPackWidth<T>><<<grid(job, pictures), threads(job), shared, stream>>>(job);
  } else {
    sums<1><<<grid(job, pictures), threads(job), shared, stream>>>(job);
  }
}

}  // namespace

template <class T>
void launch_norm(const NormJob<T>& job, int64_t pictures, cudaStream_t stream) {
  launch_sums(job, pictures, stream);
  const size_t shared = groups_bytes(job);
  if (in_packs(job)) {
    apply<kPackWidth<T>><<<grid(job, pictures), threads(job), shared, stream>>>(job);
  } else {
    apply<1><<<grid(job, pictures), threads(job), shared, stream>>>(job);
  }
}

template <class T>
void launch_norm_affine(const NormJob<T>& job, int64_t pictures, cudaStream_t stream) {
  launch_sums(job, pictures, stream);
  write_affine<<<static_cast<unsigned>(pictures), threads(job), groups_bytes(job), stream>>>(job);
}

#define SD_INSTANTIATE(T)                                                 \
  template void launch_norm<T>(const NormJob<T>&, int64_t, cudaStream_t); \
  template void launch_norm_affine<T>(const NormJob<T>&, int64_t, cudaStream_t);
SD_INSTANTIATE(float)
SD_INSTANTIATE(c10::Half)
SD_INSTANTIATE(c10::BFloat16)
#undef SD_INSTANTIATE

}  // namespace sd::kernels::cuda
