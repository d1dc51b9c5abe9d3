#pragma once

#include <cstdint>

// Matrix products with packed weights, the part that is compiled for each set of instructions:
// plain pointers only. The algorithm is that of Goto and van de Geijn, "Anatomy of high-performance
// matrix multiplication" (2008): a block of the packed weights stays in the second-level cache
// while rows of x, copied a few at a time into the first, are multiplied with it, and the sums of a
// tile stay in registers.

namespace sd::kernels::cpu {

/// The longest part of a row that one tile multiplies before its sums are written out, in units.
constexpr int64_t kMostDepth = 640;
/// That part if the sums must be complete before they can be written out.
constexpr int64_t kMostWholeDepth = 1280;

/// A weight [columns, depth] in panels of two vectors of columns: for each part of the depth, for
/// each unit of it the panel's two vectors. A unit is one value in a float, or two next to each
/// other as bfloat16. Missing columns and values are zeros.
struct PackedWeight {
  const float* panels = nullptr;  ///< aligned to 64 bytes
  const float* bias = nullptr;    ///< by panel, padded with zeros as the columns are
  int64_t depth = 0;              ///< in values
  int64_t columns = 0;            ///< of the result: half the weight's rows if `geglu`
  /// A panel's first vector holds columns of the value and its second the gate's of the same
  /// number, and the result is value·gelu(gate). Needs a depth of at most kMostWholeDepth units.
  bool geglu = false;
};

/// y[rows, columns] = x[rows, depth]·weight (+ residual[rows, columns]). Rows lie `stride` apart.
struct GemmJob {
  PackedWeight weight;
  const float* x = nullptr;
  int64_t x_stride = 0;
  const float* residual = nullptr;  ///< or null
  int64_t residual_stride = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
  int64_t cache_floats = 0;  ///< units of packed weights to keep in the second-level cache
};

/// What the code for one set of instructions offers.
struct GemmCode {
  int64_t lanes;        ///< columns in a vector; a panel has two
  int64_t tile_rows;    ///< the most rows that a tile has
  int64_t unit_values;  ///< values of the depth in a unit: 1, or 2 as bfloat16
  /// Packs the panels [panel, panel_end) of a contiguous weight [columns, depth], or [2·columns,
  /// depth] with geglu, into their places among packed_floats() floats.
  void (*pack)(const float* weight, int64_t depth, int64_t columns, bool geglu, int64_t panel,
               int64_t panel_end, float* panels);
  /// Packs the panels of the bias, [columns] or [2·columns]; null stands for zeros.
  void (*pack_bias)(const float* bias, int64_t columns, bool geglu, float* panels);
  /// Computes the rows [row, row_end) and the panels [panel, panel_end) of y. Every element is the
  /// same, bit for bit, however the work is divided.
  void (*multiply)(const GemmJob& job, int64_t row, int64_t row_end, int64_t panel,
                   int64_t panel_end);
};

namespace avx2 {
extern const GemmCode kGemm;
}
namespace avx512 {
extern const GemmCode kGemm;
}
namespace avx512bf16 {
extern const GemmCode kGemm;
}

/// How many panels a result of so many columns has.
constexpr int64_t panel_count(const GemmCode& code, int64_t columns, bool geglu) {
  const int64_t width = geglu ? code.lanes : 2 * code.lanes;
  return (columns + width - 1) / width;
}

/// How many units hold so many values.
constexpr int64_t units(const GemmCode& code, int64_t values) {
  return (values + code.unit_values - 1) / code.unit_values;
}

/// How many floats a weight of that size takes when packed.
constexpr int64_t packed_floats(const GemmCode& code, int64_t depth, int64_t columns, bool geglu) {
  return panel_count(code, columns, geglu) * 2 * code.lanes * units(code, depth);
}

/// How many floats its bias takes: a panel's width a panel.
constexpr int64_t bias_floats(const GemmCode& code, int64_t columns, bool geglu) {
  return panel_count(code, columns, geglu) * 2 * code.lanes;
}

/// The length of the parts that a row of so many units is cut into; the last may be shorter.
constexpr int64_t depth_part(int64_t depth, bool geglu) {
  if (geglu || depth <= kMostDepth) return depth;
  const int64_t parts = (depth + kMostDepth - 1) / kMostDepth;
  return (depth + parts - 1) / parts;
}

}  // namespace sd::kernels::cpu
