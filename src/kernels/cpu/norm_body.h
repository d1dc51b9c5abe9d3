#pragma once

#include "kernels/cpu/norm.h"
#include "kernels/cpu/silu.h"
#include "kernels/cpu/simd.h"

namespace sd::kernels::cpu::SD_ISA {
namespace {

constexpr int kLanes = Vec::kLanes;
constexpr int kVectors = norm::kStrip / kLanes;

/// Of one block, channel by channel: the mean, about; what is left of the sum, and the squares,
/// around it.
struct BlockSums {
  alignas(64) float mean[norm::kStrip];
  alignas(64) float rest[norm::kStrip];
  alignas(64) float squares[norm::kStrip];
};

template <bool kWhole>
inline Vec load_channels(const float* x, int i, int channels) {
  if constexpr (kWhole) return load(x + i * kLanes);
  const int left = channels - i * kLanes;
  return left >= kLanes ? load(x + i * kLanes) : load(x + i * kLanes, left > 0 ? left : 0);
}

template <bool kWhole>
void sum_block(const float* x, int64_t pixels, int64_t pixel_stride, int channels,
               BlockSums& sums) {
  Vec mean[kVectors], rest[kVectors], squares[kVectors];
  for (int i = 0; i < kVectors; ++i) mean[i] = rest[i] = squares[i] = zero();
  for (int64_t p = 0; p < pixels; ++p) {
    for (int i = 0; i < kVectors; ++i) {
      mean[i] = mean[i] + load_channels<kWhole>(x + p * pixel_stride, i, channels);
    }
  }
  for (int i = 0; i < kVectors; ++i) mean[i] = mean[i] * set1(1.0F / static_cast<float>(pixels));
  for (int64_t p = 0; p < pixels; ++p) {
    for (int i = 0; i < kVectors; ++i) {
      const Vec d = load_channels<kWhole>(x + p * pixel_stride, i, channels) - mean[i];
      rest[i] = rest[i] + d;
      squares[i] = fma(d, d, squares[i]);
    }
  }
  for (int i = 0; i < kVectors; ++i) {
    store(sums.mean + i * kLanes, mean[i]);
    store(sums.rest + i * kLanes, rest[i]);
    store(sums.squares + i * kLanes, squares[i]);
  }
}

void sums(const float* x, int64_t pixels, int64_t pixel_stride, int channels, double* sum,
          double* squares) {
  constexpr int64_t kBlock = 64;  // pixels: 16 KB, which are still there when read again
  for (int c = 0; c < channels; ++c) sum[c] = squares[c] = 0;
  for (int64_t p = 0; p < pixels; p += kBlock) {
    const int64_t count = pixels - p < kBlock ? pixels - p : kBlock;
    const auto block = channels == norm::kStrip ? sum_block<true> : sum_block<false>;
    BlockSums of;
    block(x + p * pixel_stride, count, pixel_stride, channels, of);
    for (int c = 0; c < channels; ++c) {
      const double mean = of.mean[c], rest = of.rest[c];
      const double whole = static_cast<double>(count) * mean;
      sum[c] += whole + rest;
      squares[c] += of.squares[c] + mean * (2 * rest + whole);
    }
  }
}

template <bool kSilu>
void apply_as(const float* x, int64_t pixels, int64_t channels, const norm::Affine& affine,
              float* y) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += channels) {
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      const Vec value =
          fma(load(x + c) - load(affine.mean + c), load(affine.scale + c), load(affine.shift + c));
      store(y + c, kSilu ? silu(value) : value);
    }
    if (c == channels) continue;
    const int left = static_cast<int>(channels - c);
    const Vec value = fma(load(x + c, left) - load(affine.mean + c, left),
                          load(affine.scale + c, left), load(affine.shift + c, left));
    store(y + c, kSilu ? silu(value) : value, left);
  }
}

void apply(const float* x, int64_t pixels, int64_t channels, const norm::Affine& affine, float* y) {
  const auto as = affine.silu ? apply_as<true> : apply_as<false>;
  as(x, pixels, channels, affine, y);
}

constexpr norm::Steps kSteps = {sums, apply};

}  // namespace
}  // namespace sd::kernels::cpu::SD_ISA
