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

/// Pack `index` of the result, 0 to rows*columns/kWidth - 1.
template <int kWidth, class T>
SD_HOST_DEVICE void geglu_at(const GegluJob<T>& job, int64_t index) {
  const int64_t packs = job.columns / kWidth;
  const auto* from =
      reinterpret_cast<const Pack<T, kWidth>*>(job.x) + index / packs * 2 * packs + index % packs;
  const Pack<T, kWidth> value = from[0];
  const Pack<T, kWidth> gate = from[packs];
  Pack<T, kWidth> out;
  for (int i = 0; i < kWidth; ++i) {
    out.values[i] = static_cast<T>(static_cast<float>(value.values[i]) *
                                   gelu(static_cast<float>(gate.values[i])));
  }
  reinterpret_cast<Pack<T, kWidth>*>(job.y)[index] = out;
}

}  // namespace sd::kernels::cuda
