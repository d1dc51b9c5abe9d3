#pragma once

#include <cstdint>

#include "kernels/cuda/host_device.h"

namespace sd::kernels::cuda {

inline constexpr int kConvTailThreads = 256;

/// What follows a convolution, in one pass over its channels_last result and rounded once: the
/// bias, the picture's time embedding, the residual, each of which may be null, and the ReLU.
template <class T>
struct ConvTailJob {
  T* y;               ///< [N, pixels, channels]: read and written
  const T* bias;      ///< [channels]
  const T* added;     ///< [added_rows, channels]: to every pixel
  const T* residual;  ///< [N, pixels, channels]
  int64_t pictures;
  int64_t pixels;
  int64_t channels;
  int64_t added_rows;  ///< 1 or N
  bool relu;           ///< what is below zero becomes zero

  int64_t count() const { return pictures * pixels * channels; }
  /// Whether each place is a number of 32 bits, which a card divides several times faster.
  bool is_small() const { return count() <= INT32_MAX; }
};

template <int kWidth, class T>
SD_HOST_DEVICE void add_pack(const T* from, int64_t pack, float* sum) {
  const Pack<T, kWidth> more = reinterpret_cast<const Pack<T, kWidth>*>(from)[pack];
  for (int i = 0; i < kWidth; ++i) sum[i] += static_cast<float>(more.values[i]);
}

/// Pack `index` of y, 0 to count()/kWidth - 1. Index: of 32 bits where the job is small.
template <int kWidth, class Index, class T>
SD_HOST_DEVICE void conv_tail_at(const ConvTailJob<T>& job, Index index) {
  const auto packs = static_cast<Index>(job.channels / kWidth);
  const Index pixel = index / packs, channel = index % packs;
  float sum[kWidth] = {};
  add_pack<kWidth>(job.y, index, sum);
  if (job.bias != nullptr) add_pack<kWidth>(job.bias, channel, sum);
  if (job.added != nullptr) {
    const Index row = job.added_rows == 1 ? 0 : pixel / static_cast<Index>(job.pixels);
    add_pack<kWidth>(job.added, row * packs + channel, sum);
  }
  if (job.residual != nullptr) add_pack<kWidth>(job.residual, index, sum);
  Pack<T, kWidth> out;
  for (int i = 0; i < kWidth; ++i) {
    out.values[i] = static_cast<T>(job.relu && sum[i] < 0 ? 0.0f : sum[i]);
  }
  reinterpret_cast<Pack<T, kWidth>*>(job.y)[index] = out;
}

}  // namespace sd::kernels::cuda
