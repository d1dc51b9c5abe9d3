#pragma once

#include <ATen/core/Tensor.h>

namespace sd {

struct GuidanceSpec {
  at::Tensor scales;  ///< [N] f32, on the device
};

/// Classifier-free guidance (Ho and Salimans 2022) of N pictures.
class GuidanceKernel {
 public:
  virtual ~GuidanceKernel() = default;

  /// eps [2N, C, h, w] f32 contiguous, the unconditional half first → eps_u + scale·(eps_c - eps_u)
  /// [N, C, h, w].
  virtual at::Tensor operator()(const at::Tensor& eps) const = 0;
};

}  // namespace sd
