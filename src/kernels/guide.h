#pragma once

#include <ATen/core/Tensor.h>

namespace sd::kernels {

struct GuideSpec {
  /// [N] f32, on the device: each picture's guidance. Undefined: the network answers for N rows,
  /// and its answer is taken as it is.
  at::Tensor scales;
};

/// f32, of one device.
struct GuideInputs {
  at::Tensor answer;  ///< [2N, C, h, w], the unconditional half first; [N, C, h, w] without scales
  at::Tensor x;       ///< [N, C, h, w] = alpha·x0 + sigma·eps
  double alpha = 1;
  double sigma = 0;
};

/// Each [N, C, h, w] f32.
struct GuidedAnswer {
  at::Tensor eps;  ///< u + scale·(c - u), of the answer's halves u and c
  at::Tensor x0;   ///< (x - sigma·eps) / alpha
};

/// Classifier-free guidance (Ho and Salimans 2022), and the picture that it predicts.
class GuideKernel {
 public:
  virtual ~GuideKernel() = default;
  virtual GuidedAnswer operator()(const GuideInputs& inputs) const = 0;
};

}  // namespace sd::kernels
