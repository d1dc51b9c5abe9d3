#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "kernels/step_coefficients.h"

namespace sd {

struct SamplerStepSpec {
  /// [N] f32, on the device: each picture's guidance. Undefined: the network answers for N rows,
  /// and its answer is taken as it is.
  at::Tensor scales;
};

/// f32, of one device; each [N, C, h, w] but for eps.
struct SamplerStepInputs {
  at::Tensor eps;  ///< [2N, C, h, w], the unconditional half first; [N, C, h, w] without scales
  at::Tensor x;
  std::array<at::Tensor, kOlderEps> older = {};  ///< guided, newest first
  at::Tensor noise = {};
  at::Tensor x0_before = {};
};

/// Each [N, C, h, w] f32.
struct SamplerStepResult {
  at::Tensor eps;  ///< guided, and not combined with older ones
  at::Tensor x0;
  at::Tensor next;
};

/// One step of any sampler, as StepCoefficients says.
class SamplerStepKernel {
 public:
  virtual ~SamplerStepKernel() = default;
  virtual SamplerStepResult operator()(const StepCoefficients& step,
                                       const SamplerStepInputs& inputs) const = 0;
};

}  // namespace sd
