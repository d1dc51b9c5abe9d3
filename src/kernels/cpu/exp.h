#pragma once

#include "kernels/cpu/simd.h"

namespace sd::kernels::cpu::SD_ISA {

/// 2^f for |f| <= 1/2, by the polynomial of degree 6 with the least largest relative error (2e-9,
/// found by Remez's exchange).
inline Vec exp2_of_fraction(Vec f) {
  Vec y = set1(1.534580985e-4F);
  y = fma(y, f, set1(1.339993124e-3F));
  y = fma(y, f, set1(9.618488971e-3F));
  y = fma(y, f, set1(5.550328777e-2F));
  y = fma(y, f, set1(2.402264689e-1F));
  y = fma(y, f, set1(6.931472057e-1F));
  return fma(y, f, set1(1.0F));
}

/// 2^x to one unit in the last place; zero below the smallest float, infinity above the largest,
/// not a number where x is none.
inline Vec exp2(Vec x) {
  // Infinity has no fraction, hence the limits. max and min hand on what is no number.
  const Vec kept = min(set1(200.0F), max(set1(-200.0F), x));
  const Vec whole = round(kept);
  return scale_by_power(exp2_of_fraction(kept - whole), whole);
}

/// 2^x for x <= 0, in fewer steps: below 2^-126 next to zero.
inline Vec exp2_of_negative(Vec x) {
  const Vec kept = max(set1(-127.0F), x);
  const Vec whole = round(kept);
  return scale_by_small_power(exp2_of_fraction(kept - whole), whole);
}

#if defined(__AVX512BF16__)

/// 2^x for x <= 0 to 8e-5 of its value, a fiftieth of a bfloat16's last place, in fewer steps
/// still: zero where that is too small, not a number where x is none. (The polynomial of degree 3
/// with the least largest relative error.)
inline Vec rough_exp2_of_negative(Vec x) {
  const Vec f = {_mm512_reduce_ps(x.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
  Vec y = fma(set1(7.802451680e-2F), f, set1(2.260671638e-1F));
  y = fma(y, f, set1(6.958335376e-1F));
  y = fma(y, f, set1(9.999252188e-1F));
  return {_mm512_scalef_ps(y.raw, x.raw)};  // x's fraction does not count there
}

#endif

}  // namespace sd::kernels::cpu::SD_ISA
