#pragma once

#include <ATen/core/Tensor.h>

#include <span>

namespace sd::kernels {

/// Tensors that one sum may have.
inline constexpr int kMixTerms = 8;

struct MixSpec {};

/// A tensor and what it counts. One of weight 0 is left out, and may be undefined.
struct MixTerm {
  double weight;
  at::Tensor x;
};

/// (Σ weight·x) / divisor, summed in the order of the terms, in the type of the tensors: what every
/// sampler makes of its latent, its predictions and its noise.
class MixKernel {
 public:
  virtual ~MixKernel() = default;

  /// One to kMixTerms terms of one shape, type and device, at least one of them defined; a card's
  /// kernel takes float32 only. Returns a new tensor.
  virtual at::Tensor operator()(std::span<const MixTerm> terms, double divisor = 1) const = 0;

  at::Tensor operator()(std::initializer_list<MixTerm> terms, double divisor = 1) const {
    return (*this)(std::span<const MixTerm>(terms.begin(), terms.size()), divisor);
  }
};

}  // namespace sd::kernels
