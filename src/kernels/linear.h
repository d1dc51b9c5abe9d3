#pragma once

#include <ATen/core/Tensor.h>

namespace sd::kernels {

struct LinearSpec {
  at::Tensor weight;  ///< [O, I] f32
  at::Tensor bias;    ///< [O] f32, or undefined
};

/// y = x·Wᵀ + b.
class LinearKernel {
 public:
  virtual ~LinearKernel() = default;

  /// x [..., I] → [..., O], and `residual` [..., O] added to it where it is defined.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual = {}) const {
    return compute(x, residual);
  }

 private:
  virtual at::Tensor compute(const at::Tensor& x, const at::Tensor& residual) const = 0;
};

}  // namespace sd::kernels
