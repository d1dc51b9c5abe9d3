#pragma once

#include <cmath>

#include "kernels/cuda/host_device.h"

// Twice the digits of float32 without doubles, of which many cards compute 64 times fewer: a number
// as the sum of two floats (Dekker 1971; Knuth, The Art of Computer Programming 2, 4.2.2). What is
// not finite becomes a number that is none.

namespace sd::kernels::cuda {

struct FloatPair {
  float high = 0;
  float low = 0;
};

/// a + b and what rounding took from it.
SD_HOST_DEVICE FloatPair pair_sum(float a, float b) {
  const float sum = a + b;
  const float from_b = sum - a;
  return {sum, (a - (sum - from_b)) + (b - from_b)};
}

SD_HOST_DEVICE FloatPair pair_add(FloatPair a, FloatPair b) {
  const FloatPair sum = pair_sum(a.high, b.high);
  return pair_sum(sum.high, sum.low + (a.low + b.low));
}

SD_HOST_DEVICE FloatPair pair_multiply(FloatPair a, FloatPair b) {
  const float product = a.high * b.high;
  const float rest = fmaf(a.high, b.high, -product) + (a.high * b.low + a.low * b.high);
  return pair_sum(product, rest);
}

/// The pair nearest to a double; for the host.
inline FloatPair pair_of(double value) {
  const auto high = static_cast<float>(value);
  return {high, static_cast<float>(value - high)};
}

}  // namespace sd::kernels::cuda
