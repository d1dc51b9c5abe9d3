#pragma once

#include "kernels/cpu/exp.h"

namespace sd::kernels::cpu::SD_ISA {

/// e^x within two units in the last place from -87 to 88, and its value there beyond; not a number
/// where x is none.
inline Vec exp(Vec x) {
  // max and min hand on what is no number.
  const Vec kept = min(set1(88.0F), max(set1(-87.0F), x));
  constexpr float kLog2E = 1.44269504F;
  constexpr float kRestOfLog2E = 1.92596299e-8F;
  const Vec whole = round(kept * set1(kLog2E));
  const Vec fraction = fma(kept, set1(kRestOfLog2E), fma(kept, set1(kLog2E), zero() - whole));
  return scale_by_small_power(exp2_of_fraction(fraction), whole);
}

/// x·sigmoid(x).
inline Vec silu(Vec x) { return x / (set1(1.0F) + exp(zero() - x)); }

}  // namespace sd::kernels::cpu::SD_ISA
