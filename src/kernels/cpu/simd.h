#pragma once

#include <immintrin.h>

#include <cstdint>

// A thin wrapper over one vector register of floats, so that a kernel is written once and compiled
// for each set of instructions. A translation unit is named after its set, *_avx2.cc or
// *_avx512.cc (src/CMakeLists.txt gives it the compiler's flags), and defines SD_ISA to that name
// before it includes this; *_avx512bf16.cc is AVX-512 with products of bfloat16. Such a unit takes
// raw pointers and plain structs and includes neither ATen nor containers: an inline function of
// theirs, compiled here, could be the copy that the linker keeps for everyone.
#ifndef SD_ISA
#error "define SD_ISA as avx2, avx512 or avx512bf16 before kernels/cpu/simd.h"
#endif

namespace sd::kernels::cpu::SD_ISA {

#if defined(__AVX512F__)

struct Vec {
  static constexpr int kLanes = 16;
  __m512 raw;
};

inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec set1(float x) { return {_mm512_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec x) { _mm512_storeu_ps(p, x.raw); }

inline __mmask16 first_lanes(int n) { return static_cast<__mmask16>((1U << n) - 1U); }
/// The first n lanes, 0 <= n <= kLanes; the others are zero and their memory is not read.
inline Vec load(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
/// Writes the first n lanes, 0 <= n <= kLanes.
inline void store(float* p, Vec x, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), x.raw); }

inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.raw, b.raw)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.raw, b.raw)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.raw, b.raw)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.raw, b.raw)}; }
/// a*b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.raw, b.raw, c.raw)}; }
/// c - a*b, rounded once.
inline Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.raw, b.raw, c.raw)}; }
/// The larger one; `b` where either is not a number.
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.raw, b.raw)}; }
/// The smaller one; `b` where either is not a number.
inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.raw, b.raw)}; }
inline Vec sqrt(Vec x) { return {_mm512_sqrt_ps(x.raw)}; }
/// To the nearest whole number, ties to even.
inline Vec round(Vec x) {
  return {_mm512_roundscale_ps(x.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// x·2^n for whole n, down to zero and up to infinity.
inline Vec scale_by_power(Vec x, Vec n) { return {_mm512_scalef_ps(x.raw, n.raw)}; }
/// x·2^n for n from -127 to 127, where -127 gives zero or next to it.
inline Vec scale_by_small_power(Vec x, Vec n) { return {_mm512_scalef_ps(x.raw, n.raw)}; }
inline Vec abs(Vec x) { return {_mm512_abs_ps(x.raw)}; }
/// x < 0 ? a : b, lane by lane.
inline Vec where_negative(Vec x, Vec a, Vec b) {
  const __mmask16 negative = _mm512_cmp_ps_mask(x.raw, _mm512_setzero_ps(), _CMP_LT_OQ);
  return {_mm512_mask_blend_ps(negative, b.raw, a.raw)};
}
/// 0, 1, 2, …
inline Vec iota() { return {_mm512_set_ps(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)}; }
inline float sum(Vec x) { return _mm512_reduce_add_ps(x.raw); }

#else

struct Vec {
  static constexpr int kLanes = 8;
  __m256 raw;
};

inline Vec zero() { return {_mm256_setzero_ps()}; }
inline Vec set1(float x) { return {_mm256_set1_ps(x)}; }
inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, Vec x) { _mm256_storeu_ps(p, x.raw); }

inline __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The first n lanes, 0 <= n <= kLanes; the others are zero and their memory is not read.
inline Vec load(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
/// Writes the first n lanes, 0 <= n <= kLanes.
inline void store(float* p, Vec x, int n) { _mm256_maskstore_ps(p, first_lanes(n), x.raw); }

inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.raw, b.raw)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.raw, b.raw)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.raw, b.raw)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.raw, b.raw)}; }
/// a*b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.raw, b.raw, c.raw)}; }
/// c - a*b, rounded once.
inline Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.raw, b.raw, c.raw)}; }
/// The larger one; `b` where either is not a number.
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.raw, b.raw)}; }
/// The smaller one; `b` where either is not a number.
inline Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.raw, b.raw)}; }
inline Vec sqrt(Vec x) { return {_mm256_sqrt_ps(x.raw)}; }
/// To the nearest whole number, ties to even.
inline Vec round(Vec x) {
  return {_mm256_round_ps(x.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// x·2^n for whole n, down to zero and up to infinity. (Here n is kept within ±252 and goes in two
/// halves, each of which is an exponent.)
inline Vec scale_by_power(Vec x, Vec n) {
  const __m256 kept =
      _mm256_min_ps(_mm256_set1_ps(252.0F), _mm256_max_ps(_mm256_set1_ps(-252.0F), n.raw));
  const __m256i whole = _mm256_cvtps_epi32(kept);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const auto power = [](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
  };
  return {_mm256_mul_ps(_mm256_mul_ps(x.raw, power(half)), power(rest))};
}
/// x·2^n for n from -127 to 127, where -127 gives zero or next to it.
inline Vec scale_by_small_power(Vec x, Vec n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.raw), _mm256_set1_epi32(127));
  return {_mm256_mul_ps(x.raw, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)))};
}
inline Vec abs(Vec x) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), x.raw)}; }
/// x < 0 ? a : b, lane by lane.
inline Vec where_negative(Vec x, Vec a, Vec b) {
  return {_mm256_blendv_ps(b.raw, a.raw, _mm256_cmp_ps(x.raw, _mm256_setzero_ps(), _CMP_LT_OQ))};
}
/// 0, 1, 2, …
inline Vec iota() { return {_mm256_set_ps(7, 6, 5, 4, 3, 2, 1, 0)}; }
inline float sum(Vec x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x.raw), _mm256_extractf128_ps(x.raw, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#endif

}  // namespace sd::kernels::cpu::SD_ISA
