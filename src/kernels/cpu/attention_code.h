#pragma once

#include <cstdint>

// Attention without the matrix of scores (Dao et al., "FlashAttention", 2022), the part that is
// compiled for each set of instructions: plain pointers only. The lanes of a vector are queries, so
// that softmax needs no sums across lanes, keys and values are read where they lie, and a head's
// width may be anything up to kMostHeadWidth.

namespace sd::kernels::cpu {

/// The widest head.
constexpr int64_t kMostHeadWidth = 160;

/// Rows of one of the tensors [batch, rows, heads*width]; a row is in one piece.
struct AttentionRows {
  int64_t batch_stride;  ///< zero where all share one
  int64_t row_stride;
};

struct AttentionJob {
  const float* q;
  const float* k;
  const float* v;
  float* y;
  AttentionRows q_rows, k_rows, v_rows, y_rows;
  int64_t queries, keys;
  int64_t width;  ///< of a head
  bool causal;
};

/// What the code for one set of instructions offers.
struct AttentionCode {
  int64_t group;                             ///< queries to give in one call, for speed
  int64_t (*scratch_floats)(int64_t width);  ///< that `attend` needs, aligned to 64 bytes
  /// Computes the queries [query, query_end), at most `group`, of one head.
  void (*attend)(const AttentionJob& job, int64_t batch, int64_t head, int64_t query,
                 int64_t query_end, float* scratch);
};

namespace avx2 {
extern const AttentionCode kAttention;
}
namespace avx512 {
extern const AttentionCode kAttention;
}
namespace avx512bf16 {
extern const AttentionCode kAttention;
}

}  // namespace sd::kernels::cpu
