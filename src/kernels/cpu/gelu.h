#pragma once

#include "kernels/cpu/exp.h"

namespace sd::kernels::cpu::SD_ISA {

/// x·Φ(x), Φ the normal distribution (Hendrycks and Gimpel 2016, the exact form), to a few units in
/// the last place. With z = |x|/√2 and t = 1/(1 + 0.3z), Φ(-|x|) = erfc(z)/2 = t·P(t)·exp(-z²)/2:
/// the form of Hastings, "Approximations for Digital Computers" (1955), with a polynomial of
/// degree 8 instead of 4 (relative error 2e-8 for z < 10, found by Remez's exchange).
inline Vec gelu(Vec x) {
  const Vec t = set1(1.0F) / fma(abs(x), set1(0.212132034F), set1(1.0F));
  Vec p = set1(-0.1295227222F);
  p = fma(p, t, set1(0.4855623236F));
  p = fma(p, t, set1(-0.5122762575F));
  p = fma(p, t, set1(0.5477179326F));
  p = fma(p, t, set1(-0.09464927528F));
  p = fma(p, t, set1(0.2149254386F));
  p = fma(p, t, set1(0.1483393296F));
  p = fma(p, t, set1(0.1707152044F));
  p = fma(p, t, set1(0.1691880066F));
  const Vec minus_half_log2_e = set1(-0.7213475204F);
  const Vec tail = set1(0.5F) * t * p * exp2(x * x * minus_half_log2_e);
  return x * where_negative(x, tail, set1(1.0F) - tail);
}

}  // namespace sd::kernels::cpu::SD_ISA
