#pragma once

#include "kernels/cpu/simd.h"

namespace sd::cpu::SD_ISA {

/// e^x within two units in the last place from -87 to 88, and its value there beyond; not a number
/// where x is none.
inline Vec exp(Vec x) {
  // max and min hand on what is no number.
  const Vec kept = min(set1(88.0F), max(set1(-87.0F), x));
  const Vec n = round(kept * set1(1.44269504F));
  // x - n·ln 2 in two steps, of which the first is exact (Cody and Waite 1980).
  const Vec r = fnma(n, set1(-2.12194440e-4F), fnma(n, set1(0.693359375F), kept));
  Vec y = set1(1.0F / 5040);  // Taylor's series: |r| <= ln(2)/2
  y = fma(y, r, set1(1.0F / 720));
  y = fma(y, r, set1(1.0F / 120));
  y = fma(y, r, set1(1.0F / 24));
  y = fma(y, r, set1(1.0F / 6));
  y = fma(y, r, set1(0.5F));
  y = fma(y, r, set1(1.0F));
  y = fma(y, r, set1(1.0F));
  return scale_by_power(y, n);
}

/// x·sigmoid(x).
inline Vec silu(Vec x) { return x / (set1(1.0F) + exp(zero() - x)); }

}  // namespace sd::cpu::SD_ISA
