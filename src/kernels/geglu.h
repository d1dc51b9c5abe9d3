#pragma once

#include <ATen/core/Tensor.h>

namespace sd::kernels {

struct GegluSpec {
  at::Tensor weight;  ///< [2*O, I] f32: the value's rows, then the gate's
  at::Tensor bias;    ///< [2*O] f32
};

/// The gated linear unit value·gelu(gate) with the exact (erf) GELU (Shazeer 2020).
class GegluKernel {
 public:
  virtual ~GegluKernel() = default;

  /// x [..., I] → [..., O].
  virtual at::Tensor operator()(const at::Tensor& x) const = 0;
};

}  // namespace sd::kernels
