#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/conv_tail_body.h"
#include "kernels/cuda/geglu_body.h"
#include "kernels/cuda/group_norm_body.h"
#include "kernels/cuda/guide_body.h"
#include "kernels/cuda/mix_body.h"

// What nvcc compiles, for callers that the host's compiler compiles. Each puts its work on the
// stream; cudaGetLastError says whether that worked. T is float, c10::Half or c10::BFloat16.

namespace sd::kernels::cuda {

/// Needs all of the job but mean, scale and shift, and a layout of packs only where x and y are
/// aligned to them; fills parts and y.
template <class T>
void launch_norm(const NormJob<T>& job, int64_t pictures, cudaStream_t stream);

/// Needs all of the job but y; fills parts, mean, scale and shift.
template <class T>
void launch_norm_affine(const NormJob<T>& job, int64_t pictures, cudaStream_t stream);

/// The job must not be empty.
template <class T>
void launch_conv_tail(const ConvTailJob<T>& job, cudaStream_t stream);

/// The job must not be empty.
template <class T>
void launch_geglu(const GegluJob<T>& job, cudaStream_t stream);

/// The job must not be empty.
void launch_guide(const GuideJob& job, cudaStream_t stream);

/// The job must not be empty.
void launch_mix(const MixJob& job, cudaStream_t stream);

}  // namespace sd::kernels::cuda
