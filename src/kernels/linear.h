#pragma once

#include <ATen/core/Tensor.h>

namespace sd {

struct LinearSpec {
  at::Tensor weight;  ///< [O, I] f32
  at::Tensor bias;    ///< [O] f32, or undefined
};

/// y = x·Wᵀ + b.
class LinearKernel {
 public:
  virtual ~LinearKernel() = default;

  /// x [..., I] → [..., O].
  virtual at::Tensor operator()(const at::Tensor& x) const = 0;
};

}  // namespace sd
