#pragma once

#include <ATen/core/Tensor.h>

namespace sd {

struct Conv2dSpec {
  at::Tensor weight;  ///< [O, I, kh, kw] f32
  at::Tensor bias;    ///< [O] f32, or undefined
  int64_t stride = 1;
  int64_t padding = 0;  ///< zeros on all four sides
};

/// A 2-d convolution with its weights in the form it likes best.
class Conv2dKernel {
 public:
  virtual ~Conv2dKernel() = default;

  /// x [N, I, h, w] channels_last → [N, O, h', w'] channels_last.
  virtual at::Tensor operator()(const at::Tensor& x) const = 0;
};

}  // namespace sd
