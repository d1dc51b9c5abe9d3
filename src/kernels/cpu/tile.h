#pragma once

#include "kernels/cpu/units.h"

namespace sd::kernels::cpu::SD_ISA {

/// The rows of the largest tile: with two vectors a row its sums fill the registers, but for those
/// that the operands need (of 16 and of 32).
inline constexpr int kTileRows = Vec::kLanes == 16 ? 14 : 6;

/// Rows of memory to fetch into the second-level cache while something else is computed.
struct Ahead {
  const float* begin = nullptr;  ///< or null: nothing
  int64_t stride = 0;
};

/// The sums of kRows rows by two vectors of columns. Depths and steps are in units (units.h).
template <int kRows>
struct Tile {
  Vec sums[kRows][2];

  void clear() {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = zero();
  }

  /// sums[i] += a(i, k)·b[k] for k below depth, where a(i, k) = a[i*kRowStep + k*a_step] and b[k]
  /// are the two vectors at b + k*b_step.
  template <int64_t kRowStep>
  void add_product(const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t depth) {
#pragma GCC unroll 4
    for (int64_t k = 0; k < depth; ++k) {
      add_step<kRowStep>(a, b);
      a += a_step;
      b += b_step;
    }
  }

  /// Adds the product while it prefetches `depth` units' values of each of kRows rows.
  template <int64_t kRowStep>
  void add_product(const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t depth,
                   const Ahead& ahead) {
    constexpr int64_t kLine = 16 / kUnitValues;  // units whose values fill a cache line
    int64_t k = 0;
    for (; ahead.begin != nullptr && k + kLine <= depth; k += kLine) {
      const float* line = ahead.begin + k * kUnitValues;
#pragma GCC unroll 2
      for (int i = 0; i < kLine; ++i) {
        for (int j = i * kUnitValues; j < (i + 1) * kUnitValues; ++j) {
          __builtin_prefetch(line, 0, 2);
          line += j < kRows ? ahead.stride : 0;
        }
        add_step<kRowStep>(a, b);
        a += a_step;
        b += b_step;
      }
    }
    add_product<kRowStep>(a, a_step, b, b_step, depth - k);
  }

 private:
  template <int64_t kRowStep>
  void add_step(const float* a, const float* b) {
    const Vec b0 = load(b);
    const Vec b1 = load(b + Vec::kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const Vec factor = set1(a[i * kRowStep]);
      sums[i][0] = dot(factor, b0, sums[i][0]);
      sums[i][1] = dot(factor, b1, sums[i][1]);
    }
  }
};

/// Calls `body` with the number of rows, from 1 to kTileRows, as a compile-time constant.
template <int kRows = kTileRows, class Body>
inline void with_rows(int64_t rows, const Body& body) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return with_rows<kRows - 1>(rows, body);
  }
  body.template operator()<kRows>();
}

/// Cuts [0, rows) into tiles of about equal height: body<height>(first row).
template <class Body>
inline void for_each_tile(int64_t rows, const Body& body) {
  for (int64_t row = 0; row < rows;) {
    const int64_t left = rows - row;
    const int64_t tiles = (left + kTileRows - 1) / kTileRows;
    const int64_t height = (left + tiles - 1) / tiles;
    with_rows(height, [&]<int kRows>() { body.template operator()<kRows>(row); });
    row += height;
  }
}

}  // namespace sd::kernels::cpu::SD_ISA
