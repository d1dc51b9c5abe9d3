#pragma once

#include "kernels/cpu/silu.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/transpose.h"
#include "kernels/cpu/units.h"
#include "kernels/cpu/winograd.h"

namespace sd::kernels::cpu::SD_ISA {
namespace {

using namespace winograd;

constexpr int kLanes = Vec::kLanes;
constexpr int kDepthUnits = kDepth / kUnitValues;
constexpr int64_t kWeightStride = weight_stride(kDepthUnits);

// The points are 0, ±kA, ±kB and infinity. Of the pairs tried these left the least rounding error,
// half that of the usual 1 and 2 (see Barabasz et al., "Error Analysis and Improving the Accuracy
// of Winograd Convolution", 2020); they, their squares and products are exact.
constexpr float kA = 0.75F;
constexpr float kB = 1.5F;
constexpr float kA2 = kA * kA;
constexpr float kB2 = kB * kB;

/// Bᵀ: six values of the input, `step` vectors apart, to the six points.
inline void input_points(const Vec* d, int step, Vec* v) {
  const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step];
  const Vec d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Vec even_a = fnma(set1(kB2), d2, d4), odd_a = fnma(set1(kB2), d1, d3);
  const Vec even_b = fnma(set1(kA2), d2, d4), odd_b = fnma(set1(kA2), d1, d3);
  v[0] = fma(set1(kA2 * kB2), d0, fnma(set1(kA2 + kB2), d2, d4));
  v[1] = fma(set1(kA), odd_a, even_a);
  v[2] = fnma(set1(kA), odd_a, even_a);
  v[3] = fma(set1(kB), odd_b, even_b);
  v[4] = fnma(set1(kB), odd_b, even_b);
  v[5] = fma(set1(kA2 * kB2), d1, fnma(set1(kA2 + kB2), d3, d5));
}

/// G: three taps, `step` vectors apart, to the six points.
inline void weight_points(const Vec* g, int step, Vec* u) {
  constexpr float kPerA = 1 / (2 * kA2 * (kA2 - kB2));
  constexpr float kPerB = 1 / (2 * kB2 * (kB2 - kA2));
  const Vec g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const Vec even_a = fma(set1(kA2 * kPerA), g2, set1(kPerA) * g0);
  const Vec even_b = fma(set1(kB2 * kPerB), g2, set1(kPerB) * g0);
  u[0] = set1(1 / (kA2 * kB2)) * g0;
  u[1] = fma(set1(kA * kPerA), g1, even_a);
  u[2] = fnma(set1(kA * kPerA), g1, even_a);
  u[3] = fma(set1(kB * kPerB), g1, even_b);
  u[4] = fnma(set1(kB * kPerB), g1, even_b);
  u[5] = g2;
}

/// Aᵀ: the six points, `step` vectors apart, to four values of the result.
inline void output_values(const Vec* m, int step, Vec* y) {
  const Vec even_a = m[step] + m[2 * step], odd_a = m[step] - m[2 * step];
  const Vec even_b = m[3 * step] + m[4 * step], odd_b = m[3 * step] - m[4 * step];
  y[0] = m[0] + even_a + even_b;
  y[1] = fma(set1(kA), odd_a, set1(kB) * odd_b);
  y[2] = fma(set1(kA2), even_a, set1(kB2) * even_b);
  y[3] = fma(set1(kA2 * kA), odd_a, fma(set1(kB2 * kB), odd_b, m[5 * step]));
}

/// One pixel's channels. A vector that reaches over the last channel is filled with zeros.
template <bool kNorm, bool kSilu>
inline void gather_pixel(const Pixels& pixels, const float* from, float* to) {
  for (int c = 0; c < pixels.channels; c += kLanes) {
    const int left = pixels.channels - c;
    Vec x = left >= kLanes ? load(from + c) : load(from + c, left);
    if constexpr (kNorm) {
      const norm::Affine& by = pixels.norm;
      x = left >= kLanes ? fma(x - load(by.mean + c), load(by.scale + c), load(by.shift + c))
                         : fma(x - load(by.mean + c, left), load(by.scale + c, left),
                               load(by.shift + c, left));
    }
    if constexpr (kSilu) x = silu(x);
    store(to + c, x);
  }
}

inline void clear_pixels(float* to, int64_t count) {
  for (int64_t i = 0; i < count * kStrip; i += kLanes) store(to + i, zero());
}

template <bool kNorm, bool kSilu>
void gather_as(const Pixels& pixels, int64_t y, int64_t x, int64_t columns, float* patch) {
  const int shift = pixels.upsample ? 1 : 0;
  const int64_t row_stride = (pixels.width >> shift) * pixels.pixel_stride;
  const int64_t begin = x < 0 ? -x : 0;
  const int64_t end = x + columns > pixels.width ? pixels.width - x : columns;
  for (int64_t row = y; row < y + 6; ++row, patch += columns * kStrip) {
    if (row < 0 || row >= pixels.height) {
      clear_pixels(patch, columns);
      continue;
    }
    const float* from = pixels.data + (row >> shift) * row_stride;
    clear_pixels(patch, begin);
    for (int64_t i = begin; i < end; ++i) {
      gather_pixel<kNorm, kSilu>(pixels, from + ((x + i) >> shift) * pixels.pixel_stride,
                                 patch + i * kStrip);
    }
    clear_pixels(patch + end * kStrip, columns - end);
  }
}

void gather(const Pixels& pixels, int64_t y, int64_t x, int64_t columns, float* patch) {
  const auto as = pixels.norm.scale == nullptr ? gather_as<false, false>
                  : pixels.norm.silu           ? gather_as<true, true>
                                               : gather_as<true, false>;
  as(pixels, y, x, columns, patch);
}

void transform_input(const float* patch, int64_t tiles, int channels, float* v, int64_t stride) {
  const int64_t row = (4 * tiles + 2) * kStrip;
  for (int64_t t = 0; t < tiles; ++t, patch += 4 * kStrip, v += kDepthUnits) {
    for (int c = 0; c < channels; c += kLanes) {
      Vec half[36];  // [column][point of the rows]
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Vec d[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) d[i] = load(patch + i * row + j * kStrip + c);
        input_points(d, 1, half + 6 * j);
      }
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
        Vec points[6];
        input_points(half + i, 6, points);
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) {
          store_as_units(v + (6 * i + j) * stride + c / kUnitValues, points[j]);
        }
      }
    }
  }
}

/// Nine taps of kLanes filters and of each channel in a unit, to u[36][…].
inline void weight_tile(const Vec* g, float* u) {
  Vec half[kUnitValues][18];  // [column][point of the rows]
#pragma GCC unroll 6
  for (int j = 0; j < 3 * kUnitValues; ++j) {
    weight_points(g + 9 * (j / 3) + j % 3, 3, half[j / 3] + 6 * (j % 3));
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    Vec points[kUnitValues][6];
#pragma GCC unroll 2
    for (int c = 0; c < kUnitValues; ++c) weight_points(half[c] + i, 6, points[c]);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      Vec channels[kUnitValues];
#pragma GCC unroll 2
      for (int c = 0; c < kUnitValues; ++c) channels[c] = points[c][j];
      store_units(channels, kUnitValues, u + (6 * i + j) * kWeightStride, 0);
    }
  }
}

/// kLanes filters and kLanes channels, of which those of `filters` are there.
inline void weight_block(const Filters& filters, float* u) {
  Vec taps[9 * kLanes];  // after the transposition: [channel][tap], a lane for each filter
  for (int b = 0; b < 9; ++b) {
    Vec* rows = taps + b * kLanes;
    const int left = 9 * filters.depth - b * kLanes;
    for (int o = 0; o < kLanes; ++o) {
      const float* from = filters.weight + o * filters.stride + b * kLanes;
      rows[o] = o >= filters.outputs || left <= 0 ? zero()
                : left >= kLanes                  ? load(from)
                                                  : load(from, left);
    }
    transpose(rows);
  }
  const auto units = static_cast<int>(unit_count(filters.depth));
  for (int k = 0; k < units; ++k) {  // what is missing to a whole unit is zero above
    weight_tile(taps + 9 * kUnitValues * k, u + k * kOutputs);
  }
}

void transform_weight(const Filters& filters, float* u) {
  for (int o = 0; o < kOutputs; o += kLanes) {
    for (int k = 0; k < filters.depth; k += kLanes) {
      weight_block({.weight = filters.weight + o * filters.stride + 9 * k,
                    .stride = filters.stride,
                    .outputs = filters.outputs - o,
                    .depth = filters.depth - k < kLanes ? filters.depth - k : kLanes},
                   u + k / kUnitValues * kOutputs + o);
    }
  }
}

/// m[kRows][2 vectors] = or += v[kRows][depth] · u[depth][2 vectors], all sums in registers, the
/// depth in units. The rows that come after these are fetched meanwhile, a line a step, and what
/// lies `ahead_step` bytes a step from `ahead` on.
template <int kRows>
inline void multiply_rows(const float* v, const float* u, int depth, bool add, float* m,
                          const char* ahead, int64_t ahead_step) {
  Vec sums[kRows][2];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    sums[i][0] = add ? load(m + i * kOutputs) : zero();
    sums[i][1] = add ? load(m + i * kOutputs + kLanes) : zero();
  }
#pragma GCC unroll 2
  for (int k = 0; k < depth; ++k) {
    const Vec u0 = load(u + k * kOutputs);
    const Vec u1 = load(u + k * kOutputs + kLanes);
    __builtin_prefetch(v + kRows * kDepthUnits + k * 16, 0, 3);
    __builtin_prefetch(ahead + k * ahead_step, 0, 2);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec factor = set1(v[i * kDepthUnits + k]);
      sums[i][0] = dot(factor, u0, sums[i][0]);
      sums[i][1] = dot(factor, u1, sums[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    store(m + i * kOutputs, sums[i][0]);
    store(m + i * kOutputs + kLanes, sums[i][1]);
  }
}

/// Two vectors of sums a row fill the registers, but for three: 14 rows of 32, or 6 of 16.
constexpr int kRows = kLanes == 16 ? 14 : 6;

template <int kCount>
void multiply_some(int64_t rows, const float* v, const float* u, int depth, bool add, float* m,
                   const char* ahead, int64_t ahead_step) {
  if constexpr (kCount > 1) {
    if (rows < kCount) {
      return multiply_some<kCount - 1>(rows, v, u, depth, add, m, ahead, ahead_step);
    }
  }
  multiply_rows<kCount>(v, u, depth, add, m, ahead, ahead_step);
}

void multiply(const float* v, int64_t v_stride, const float* u, int64_t tiles, int depth, bool add,
              float* m, int64_t m_stride, const Filters& next) {
  const int64_t blocks = (tiles + kRows - 1) / kRows;
  const int units = static_cast<int>(unit_count(depth));
  // A filter of the next ones while each point is multiplied, of which there are more.
  static_assert(kOutputs <= kPoints);
  const int64_t products = blocks * (kOutputs / (2 * kLanes));
  const int64_t share = 9 * next.depth * static_cast<int64_t>(sizeof(float)) / products;
  const int64_t step = (share + units - 1) / units;
  for (int p = 0; p < kPoints; ++p) {
    const bool some = next.weight != nullptr && p < next.outputs;
    const char* ahead =
        reinterpret_cast<const char*>(some ? next.weight + p * next.stride : u + p * kWeightStride);
    for (int64_t b = 0; b < blocks; ++b) {  // of nearly one size
      const int64_t begin = tiles * b / blocks;
      const int64_t rows = tiles * (b + 1) / blocks - begin;
      for (int o = 0; o < kOutputs; o += 2 * kLanes) {
        multiply_some<kRows>(rows, v + p * v_stride + begin * kDepthUnits,
                             u + p * kWeightStride + o, units, add,
                             m + p * m_stride + begin * kOutputs + o, ahead, some ? step : 0);
        if (some) ahead += share;
      }
    }
  }
}

/// One vector of channels of one tile: its 4x4 values from m[36].
inline void output_tile(const float* m, int64_t stride, Vec* y) {
  Vec half[24];  // [column point][row]
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) {
    Vec points[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) points[i] = load(m + (6 * i + j) * stride);
    output_values(points, 1, half + 4 * j);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) output_values(half + i, 4, y + 4 * i);
}

void transform_output(const float* m, int64_t stride, int64_t tiles, const Target& target) {
  const int64_t rows = target.rows < 4 ? target.rows : 4;
  for (int64_t t = 0; t < tiles; ++t, m += kOutputs) {
    const int64_t left = target.columns - 4 * t;
    const int64_t columns = left < 4 ? left : 4;
    for (int c = 0; c < target.channels; c += kLanes) {
      const int present = target.channels - c < kLanes ? target.channels - c : kLanes;
      const Vec bias = load(target.bias + c);
      Vec y[16];
      output_tile(m + c, stride, y);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          const int64_t at = i * target.row_stride + (4 * t + j) * target.pixel_stride + c;
          Vec value = y[4 * i + j] + bias;
          if (target.residual != nullptr) value = value + load(target.residual + at, present);
          if (target.relu) value = max(zero(), value);  // (the second, where it is not a number)
          if (present == kLanes) {
            store(target.data + at, value);
          } else {
            store(target.data + at, value, present);
          }
        }
      }
    }
  }
}

constexpr Steps kSteps = {kUnitValues,      gather,   transform_input,
                          transform_weight, multiply, transform_output};

}  // namespace
}  // namespace sd::kernels::cpu::SD_ISA
