#pragma once

#include <ATen/core/Tensor.h>

namespace sd::kernels {

struct AttentionSpec {
  int64_t heads = 8;
  bool causal = false;  ///< position i sees positions 0..i
};

/// softmax(q·kᵀ / sqrt(d))·v, head by head (Vaswani et al. 2017).
class AttentionKernel {
 public:
  virtual ~AttentionKernel() = default;

  /// q [N, T, heads*d], k and v [N, S, heads*d] → [N, T, heads*d]. N of k and v may be 1.
  virtual at::Tensor operator()(const at::Tensor& q, const at::Tensor& k,
                                const at::Tensor& v) const = 0;
};

}  // namespace sd::kernels
