#pragma once

#include "kernels/cpu/simd.h"

namespace sd::kernels::cpu::SD_ISA {

/// Transposes the square block of kLanes rows that x points to.
#if defined(__AVX512F__)
inline void transpose(Vec* x) {
  __m512 t[16];
  for (int i = 0; i < 16; i += 2) {  // pairs of rows, then fours: 4x4 blocks of 128-bit lanes
    t[i] = _mm512_unpacklo_ps(x[i].raw, x[i + 1].raw);
    t[i + 1] = _mm512_unpackhi_ps(x[i].raw, x[i + 1].raw);
  }
  __m512 u[16];
  for (int i = 0; i < 16; i += 4) {
    u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xEE);
    u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {  // the lanes themselves
    const __m512 a = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88);
    const __m512 b = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xDD);
    const __m512 c = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88);
    const __m512 d = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xDD);
    x[i].raw = _mm512_shuffle_f32x4(a, c, 0x88);
    x[i + 4].raw = _mm512_shuffle_f32x4(b, d, 0x88);
    x[i + 8].raw = _mm512_shuffle_f32x4(a, c, 0xDD);
    x[i + 12].raw = _mm512_shuffle_f32x4(b, d, 0xDD);
  }
}
#else
inline void transpose(Vec* x) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {  // pairs of rows, then fours: 4x4 blocks of 128-bit lanes
    t[i] = _mm256_unpacklo_ps(x[i].raw, x[i + 1].raw);
    t[i + 1] = _mm256_unpackhi_ps(x[i].raw, x[i + 1].raw);
  }
  __m256 u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {  // the lanes themselves
    x[i].raw = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    x[i + 4].raw = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}
#endif

}  // namespace sd::kernels::cpu::SD_ISA
