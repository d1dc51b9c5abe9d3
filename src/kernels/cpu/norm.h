#pragma once

#include <cstdint>

// The two passes of a group norm over pixels whose channels lie next to each other.

namespace sd::kernels::cpu::norm {

inline constexpr int kStrip = 64;  ///< channels summed at a time

/// What is done to each channel.
struct Affine {
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  bool silu = false;
};

struct Steps {
  /// For `channels` (at most kStrip) from x on: the sums over the pixels, and those of the squares.
  /// They are taken around the mean of few pixels at a time and put together in double, so that
  /// they are exact to float's last digits wherever the mean lies (Chan, Golub and LeVeque 1983).
  void (*sums)(const float* x, int64_t pixels, int64_t pixel_stride, int channels, double* sum,
               double* squares);
  /// y = (x - mean)·scale + shift for each channel, then SiLU if asked.
  void (*apply)(const float* x, int64_t pixels, int64_t channels, const Affine& affine, float* y);
};

extern const Steps kStepsAvx2;
extern const Steps kStepsAvx512;

}  // namespace sd::kernels::cpu::norm
