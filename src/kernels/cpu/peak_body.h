#pragma once

#include "kernels/cpu/peak.h"
#include "kernels/cpu/simd.h"

namespace sd::kernels::cpu::SD_ISA {
namespace {

constexpr int kChains = 12;  // more than latency times units on every processor known

float run(int64_t steps) {
  Vec sums[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sums[i] = set1(static_cast<float>(i));
  const Vec a = set1(0.999F), b = set1(0.001F);
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], a, b);
  }
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) sums[0] = sums[0] + sums[i];
  return sum(sums[0]);
}

constexpr Peak kPeak = {2 * kChains * Vec::kLanes, run};

}  // namespace
}  // namespace sd::kernels::cpu::SD_ISA
