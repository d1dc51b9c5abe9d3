#pragma once

#include <ATen/core/Tensor.h>

namespace sd {

struct GroupNormSpec {
  at::Tensor weight;  ///< [C] f32
  at::Tensor bias;    ///< [C] f32
  int64_t groups = 32;
  double eps = 1e-5;
  bool silu = false;  ///< followed by x·sigmoid(x)
};

/// Group normalisation (Wu and He 2018), with or without SiLU after it.
class GroupNormKernel {
 public:
  virtual ~GroupNormKernel() = default;

  /// x [N, C, h, w] channels_last → the same shape and layout, in memory of its own.
  virtual at::Tensor operator()(const at::Tensor& x) const = 0;
};

}  // namespace sd
