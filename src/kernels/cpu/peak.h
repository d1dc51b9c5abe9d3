#pragma once

#include <cstdint>

namespace sd::kernels::cpu {

/// Chains of multiply-adds in registers: what a core can do at most.
struct Peak {
  int64_t operations;           ///< floating-point ones in a step
  float (*run)(int64_t steps);  ///< its value only keeps the work from being left out
};

extern const Peak kPeakAvx2;
extern const Peak kPeakAvx512;

}  // namespace sd::kernels::cpu
