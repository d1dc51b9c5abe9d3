#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/group_norm.h"

namespace sd::kernels {

struct Conv2dSpec {
  at::Tensor weight;  ///< [O, I, kh, kw] f32
  at::Tensor bias;    ///< [O] f32, or undefined
  int64_t stride = 1;
  int64_t padding = 0;  ///< zeros on all four sides
};

/// What a convolution reads, what is done to it first, and what is added to the result, so that a
/// kernel can do it all in one pass.
struct Conv2dInputs {
  at::Tensor x;                           ///< [N, I, h, w] channels_last
  const GroupNormKernel* norm = nullptr;  ///< of x, before anything else
  bool upsample = false;                  ///< then each pixel stands for 2x2, as nearest neighbours
  at::Tensor channels = {};               ///< [1 or N, O], added to every pixel; or undefined
  at::Tensor residual = {};               ///< [N, O, h', w'], added to the result; or undefined
  bool relu = false;                      ///< at last, what is below zero becomes zero
};

/// A 2-d convolution with its weights in the form it likes best.
class Conv2dKernel {
 public:
  virtual ~Conv2dKernel() = default;

  /// → [N, O, h', w'] channels_last, in memory of its own.
  virtual at::Tensor operator()(const Conv2dInputs& inputs) const = 0;

  at::Tensor operator()(const at::Tensor& x) const { return (*this)(Conv2dInputs{.x = x}); }
};

}  // namespace sd::kernels
