#pragma once

#include <bit>
#include <cstdint>

#include "kernels/cpu/simd.h"

// The operands of a product are vectors of units of 32 bits: a float each, or a pair of bfloat16
// where the set of instructions multiplies those. Units are kept and copied as floats, which no
// instruction here changes.

namespace sd::kernels::cpu::SD_ISA {

#if defined(__AVX512BF16__)

inline constexpr int kUnitValues = 2;

/// sum + a[0]·b[0] + a[1]·b[1] for the pairs of each lane; what is subnormal counts as zero.
inline Vec dot(Vec a, Vec b, Vec sum) {
  return {
      _mm512_dpbf16_ps(sum.raw, std::bit_cast<__m512bh>(a.raw), std::bit_cast<__m512bh>(b.raw))};
}

/// Two vectors' values as bfloat16, rounded to nearest, ties to even: those of a, then those of b.
inline __m512i rounded(Vec a, Vec b) {
  return std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(b.raw, a.raw));
}

/// The units of `values` numbers that lie next to each other; what is missing to a whole unit is
/// zero.
inline void copy_units(const float* x, int64_t values, float* out) {
  for (; values > 0; values -= 2 * Vec::kLanes, x += 2 * Vec::kLanes, out += Vec::kLanes) {
    if (values >= 2 * Vec::kLanes) {
      store(out, {std::bit_cast<__m512>(rounded(load(x), load(x + Vec::kLanes)))});
      continue;
    }
    const int count = static_cast<int>(values);
    const int first = count < Vec::kLanes ? count : Vec::kLanes;
    const Vec b = count > first ? load(x + Vec::kLanes, count - first) : zero();
    store(out, {std::bit_cast<__m512>(rounded(load(x, first), b))}, (count + 1) / 2);
  }
}

/// The units of a vector's values, kLanes/kUnitValues of them.
inline void store_as_units(float* out, Vec x) {
  _mm256_storeu_ps(out, std::bit_cast<__m256>(_mm512_cvtneps_pbh(x.raw)));
}

/// The units of `count` vectors, across them: lane by lane one of vectors 0 and 1, the next, `step`
/// floats on, of 2 and 3. A missing last one is zero.
inline void store_units(const Vec* x, int64_t count, float* out, int64_t step) {
  const __m512i in_order =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int64_t i = 0; i < count; i += 2, out += step) {
    const __m512i both = rounded(x[i], i + 1 < count ? x[i + 1] : zero());
    store(out, {std::bit_cast<__m512>(_mm512_permutexvar_epi16(in_order, both))});
  }
}

#else

inline constexpr int kUnitValues = 1;

/// sum + a·b, rounded once.
inline Vec dot(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }

/// The units of `values` numbers that lie next to each other.
inline void copy_units(const float* x, int64_t values, float* out) {
  __builtin_memcpy(out, x, static_cast<size_t>(values) * sizeof(float));
}

/// The units of a vector's values.
inline void store_as_units(float* out, Vec x) { store(out, x); }

/// The units of `count` vectors, lane by lane, `step` floats apart.
inline void store_units(const Vec* x, int64_t count, float* out, int64_t step) {
  for (int64_t i = 0; i < count; ++i) store(out + i * step, x[i]);
}

#endif

/// How many units hold so many values.
constexpr int64_t unit_count(int64_t values) { return (values + kUnitValues - 1) / kUnitValues; }

}  // namespace sd::kernels::cpu::SD_ISA
