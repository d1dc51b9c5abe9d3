#pragma once

#include "kernels/cpu/simd.h"

namespace sd::cpu::SD_ISA {

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

/// The same for x <= 0, in fewer steps: below 2^-126 next to zero.
inline Vec exp2_of_negative(Vec x) {
  const Vec kept = max(set1(-127.0F), x);
  const Vec whole = round(kept);
  return scale_by_small_power(exp2_of_fraction(kept - whole), whole);
}

/// The same to 1e-4 of its value, in fewer still: a fortieth of a bfloat16's last place. (The
/// polynomial of degree 3 with the least largest relative error.)
inline Vec rough_exp2_of_negative(Vec x) {
  const Vec kept = max(set1(-127.0F), x);
  const Vec whole = round(kept);
  const Vec f = kept - whole;
  Vec y = fma(set1(5.517166493e-2F), f, set1(2.426111219e-1F));
  y = fma(y, f, set1(6.932609862e-1F));
  return scale_by_small_power(fma(y, f, set1(9.999280736e-1F)), whole);
}

}  // namespace sd::cpu::SD_ISA
