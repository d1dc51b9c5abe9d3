#include "kernels/cpu/gelu.h"
#include "kernels/cpu/gemm_code.h"
#include "kernels/cpu/tile.h"
#include "kernels/cpu/transpose.h"

// The body of gemm_avx2.cc, gemm_avx512.cc and gemm_avx512bf16.cc; see gemm_code.h.

namespace sd::kernels::cpu::SD_ISA {
namespace {

constexpr int64_t kLanes = Vec::kLanes;
constexpr int64_t kPanel = 2 * kLanes;
/// Between the copied rows of x; not a multiple of a page, so that they do not share cache sets.
constexpr int64_t kCopyStride = kMostWholeDepth + 16;

constexpr int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

/// The columns of one panel: `count` of them from `begin`, of which the first vector holds
/// `first`. With geglu both vectors hold `count` columns, the value's and the gate's.
struct PanelColumns {
  int64_t begin;
  int64_t first;
  int64_t second;
};

PanelColumns panel_columns(int64_t columns, bool geglu, int64_t panel) {
  const int64_t begin = panel * (geglu ? kLanes : kPanel);
  const int64_t first = at_most(columns - begin, kLanes);
  if (geglu) return {begin, first, first};
  const int64_t rest = columns - begin - kLanes;
  return {begin, first, rest < 0 ? 0 : at_most(rest, kLanes)};
}

/// One vector of a panel: `count` rows of the weight, `stride` apart, with `values` of the depth
/// from each.
void pack_vector(const float* rows, int64_t count, int64_t stride, int64_t values, float* out) {
  for (int64_t k = 0; k < values; k += kLanes) {
    const int64_t present = at_most(kLanes, values - k);
    Vec block[kLanes];  // after the transposition: the columns of each k
    for (int64_t j = 0; j < kLanes; ++j) {
      block[j] = j < count ? load(rows + j * stride + k, static_cast<int>(present)) : zero();
    }
    transpose(block);
    store_units(block, present, out, kPanel);
    out += unit_count(present) * kPanel;
  }
}

void pack(const float* weight, int64_t depth, int64_t columns, bool geglu, int64_t panel,
          int64_t panel_end, float* panels) {
  const int64_t panel_total = panel_count(kGemm, columns, geglu);
  const int64_t all = unit_count(depth);
  const int64_t part = depth_part(all, geglu);
  for (int64_t k = 0; k < all; k += part) {
    const int64_t length = at_most(part, all - k);
    const int64_t value = k * kUnitValues;
    const int64_t values = at_most(length * kUnitValues, depth - value);
    for (int64_t p = panel; p < panel_end; ++p) {
      const PanelColumns c = panel_columns(columns, geglu, p);
      float* out = panels + kPanel * (k * panel_total + p * length);
      const float* first = weight + c.begin * depth + value;
      const float* second = first + (geglu ? columns : kLanes) * depth;
      pack_vector(first, c.first, depth, values, out);
      pack_vector(second, c.second, depth, values, out + kLanes);
    }
  }
}

void pack_bias(const float* bias, int64_t columns, bool geglu, float* panels) {
  for (int64_t p = 0; p < panel_count(kGemm, columns, geglu); ++p) {
    const PanelColumns c = panel_columns(columns, geglu, p);
    float* out = panels + p * kPanel;
    for (int64_t j = 0; j < kPanel; ++j) out[j] = 0.0F;
    if (bias == nullptr) continue;
    const float* second = bias + c.begin + (geglu ? columns : kLanes);
    for (int64_t j = 0; j < c.first; ++j) out[j] = bias[c.begin + j];
    for (int64_t j = 0; j < c.second; ++j) out[kLanes + j] = second[j];
  }
}

/// Where the sums of one tile go.
struct TileOut {
  PanelColumns columns;
  const float* bias;
  const float* residual;  ///< of the tile's first row and column, or null
  int64_t residual_stride;
  float* y;  ///< of the tile's first row and column
  int64_t y_stride;
  bool add_to_y;  ///< y holds the sums over the depth so far
  bool last;      ///< the depth ends here
};

inline void finish_half(Vec sum, const TileOut& out, int64_t row, int64_t half) {
  const int count = static_cast<int>(half == 0 ? out.columns.first : out.columns.second);
  float* y = out.y + row * out.y_stride + half * kLanes;
  if (out.add_to_y) sum = load(y, count) + sum;
  if (out.last) {
    sum = sum + load(out.bias + half * kLanes);
    if (out.residual != nullptr) {
      sum = sum + load(out.residual + row * out.residual_stride + half * kLanes, count);
    }
  }
  store(y, sum, count);
}

template <int kRows>
void finish(const Tile<kRows>& tile, const TileOut& out) {
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    finish_half(tile.sums[i][0], out, i, 0);
    finish_half(tile.sums[i][1], out, i, 1);
  }
}

template <int kRows>
void finish_geglu(const Tile<kRows>& tile, const TileOut& out) {
  const Vec value_bias = load(out.bias);
  const Vec gate_bias = load(out.bias + kLanes);
  Vec values[kRows];
  Vec gates[kRows];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    values[i] = tile.sums[i][0] + value_bias;
    gates[i] = tile.sums[i][1] + gate_bias;
  }
  for (int i = 0; i < kRows; ++i) {
    store(out.y + i * out.y_stride, values[i] * gelu(gates[i]),
          static_cast<int>(out.columns.first));
  }
}

/// Fetches what `finish` will read and write.
template <int kRows>
void fetch(const TileOut& out) {
  for (int i = 0; i < kRows; ++i) {
    __builtin_prefetch(out.y + i * out.y_stride, 1);
    __builtin_prefetch(out.y + i * out.y_stride + kLanes, 1);
    if (out.residual == nullptr) continue;
    __builtin_prefetch(out.residual + i * out.residual_stride);
    __builtin_prefetch(out.residual + i * out.residual_stride + kLanes);
  }
}

/// One tile: kRows copied rows times the part of a panel at `panel`, `depth` long.
template <int kRows>
void compute_tile(const float* rows, const float* panel, int64_t depth, bool geglu,
                  const TileOut& out, const Ahead& ahead) {
  fetch<kRows>(out);
  Tile<kRows> tile;
  tile.clear();
  tile.template add_product<kCopyStride>(rows, 1, panel, kPanel, depth, ahead);
  if (geglu) {
    finish_geglu(tile, out);
  } else {
    finish(tile, out);
  }
}

/// A part of the depth, in units, and of the panels: what stays in the second-level cache.
struct Block {
  int64_t k, depth;
  int64_t panel, panel_end;
};

template <int kRows>
void compute_rows(const GemmJob& job, const Block& block, int64_t row, float* copy) {
  const PackedWeight& w = job.weight;
  const int64_t value = block.k * kUnitValues;
  const float* x = job.x + row * job.x_stride + value;
  const int64_t values = at_most(block.depth * kUnitValues, w.depth - value);
  for (int64_t i = 0; i < kRows; ++i) {
    copy_units(x + i * job.x_stride, values, copy + i * kCopyStride);
  }
  const float* next = x + kRows * job.x_stride;
  const int64_t panels = panel_count(kGemm, w.columns, w.geglu);
  const float* packed = w.panels + kPanel * (block.k * panels + block.depth * block.panel);
  for (int64_t panel = block.panel; panel < block.panel_end; ++panel) {
    const PanelColumns columns = panel_columns(w.columns, w.geglu, panel);
    const TileOut out{columns,
                      w.bias + panel * kPanel,
                      job.residual == nullptr
                          ? nullptr
                          : job.residual + row * job.residual_stride + columns.begin,
                      job.residual_stride,
                      job.y + row * job.y_stride + columns.begin,
                      job.y_stride,
                      block.k > 0,
                      block.k + block.depth == unit_count(w.depth)};
    const Ahead ahead{panel == block.panel ? next : nullptr, job.x_stride};
    compute_tile<kRows>(copy, packed, block.depth, w.geglu, out, ahead);
    packed += kPanel * block.depth;
  }
}

void multiply(const GemmJob& job, int64_t row, int64_t row_end, int64_t panel, int64_t panel_end) {
  alignas(64) float copy[kTileRows * kCopyStride];
  const int64_t depth = unit_count(job.weight.depth);
  const int64_t part = depth_part(depth, job.weight.geglu);
  const int64_t fit = job.cache_floats / (kPanel * part);
  const int64_t panels = fit < 1 ? 1 : fit;
  for (int64_t first = panel; first < panel_end; first += panels) {
    for (int64_t k = 0; k < depth; k += part) {
      const Block block{k, at_most(part, depth - k), first, at_most(first + panels, panel_end)};
      for_each_tile(row_end - row,
                    [&]<int kRows>(int64_t r) { compute_rows<kRows>(job, block, row + r, copy); });
    }
  }
}

}  // namespace

const GemmCode kGemm = {kLanes, kTileRows, kUnitValues, pack, pack_bias, multiply};

}  // namespace sd::kernels::cpu::SD_ISA
