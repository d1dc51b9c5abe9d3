#pragma once

#include <ATen/core/Tensor.h>

namespace sd::kernels {

struct GroupNormSpec {
  at::Tensor weight;  ///< [C] f32
  at::Tensor bias;    ///< [C] f32
  int64_t groups = 32;
  double eps = 1e-5;
  bool silu = false;  ///< followed by x·sigmoid(x)
};

/// What a group norm does to one input: (x - mean)·scale + shift, then perhaps SiLU. The mean is
/// taken away first: x·scale + shift would lose digits where it is large.
struct ChannelAffine {
  at::Tensor mean;   ///< [N, C] f32, contiguous
  at::Tensor scale;  ///< [N, C] f32, contiguous
  at::Tensor shift;  ///< [N, C] f32, contiguous
  bool silu = false;
};

/// Group normalisation (Wu and He 2018), with or without SiLU after it.
class GroupNormKernel {
 public:
  virtual ~GroupNormKernel() = default;

  /// x [N, C, h, w] channels_last → the same shape and layout, in memory of its own.
  virtual at::Tensor operator()(const at::Tensor& x) const = 0;

  /// The norm of x for a kernel that applies it as it reads x. x must have pixels.
  virtual ChannelAffine affine(const at::Tensor& x) const = 0;
};

}  // namespace sd::kernels
