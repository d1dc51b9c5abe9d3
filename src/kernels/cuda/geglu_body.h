#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/host_device.h"

namespace sd::kernels::cuda {

inline constexpr int kGegluThreads = 256;

/// value·gelu(gate) of the two halves of each row, with the exact (erf) GELU, in float32.
template <class T>
struct GegluJob {
  const T* x;  ///< [rows, 2*columns]: values, then gates
  T* y;        ///< [rows, columns]
  int64_t rows;
  int64_t columns;
};

SD_HOST_DEVICE float gelu(float x) {
  constexpr float kSqrtHalf = 0.707106781186547524f;
  return 0.5f * x * (1.0f + erff(x * kSqrtHalf));
}

/// Pack `index` of the result, 0 to rows*columns/kWidth - 1. Index: of 32 bits where
/// `geglu_is_small`, since a card divides those several times faster.
template <int kWidth, class Index, class T>
SD_HOST_DEVICE void geglu_at(const GegluJob<T>& job, Index index) {
  const auto packs = static_cast<Index>(job.columns / kWidth);
  // The pack of row r = index / packs: r·2·packs + index % packs.
  const auto* from =
      reinterpret_cast<const Pack<T, kWidth>*>(job.x) + index + index / packs * packs;
  const Pack<T, kWidth> value = from[0];
  const Pack<T, kWidth> gate = from[packs];
  Pack<T, kWidth> out;
  for (int i = 0; i < kWidth; ++i) {
    out.values[i] = static_cast<T>(static_cast<float>(value.values[i]) *
                                   gelu(static_cast<float>(gate.values[i])));
  }
  reinterpret_cast<Pack<T, kWidth>*>(job.y)[index] = out;
}

/// Whether each place of the job's is a number of 32 bits.
template <class T>
bool geglu_is_small(const GegluJob<T>& job) {
  return 2 * job.rows * job.columns <= INT32_MAX;
}

}  // namespace sd::kernels::cuda
