#pragma once

#include "runtime/noise.h"

namespace sd::runtime {

/// What runwayml's script for inpainting (scripts/inpaint_st.py) draws: the first tensor as
/// `numpy.random.RandomState(seed).randn` makes it, all others from torch's CUDA stream of that
/// seed, which begins with them. All tensors of a stream should be of one size.
class NumpyNoise final : public NoiseSource {
 public:
  /// Throws kUsage for a seed of 2^32 or more, which NumPy does not take.
  explicit NumpyNoise(uint64_t seed);
  at::Tensor normal(at::IntArrayRef shape) override;
  uint64_t position() const override { return call_; }  ///< calls so far
  void seek(uint64_t position) override { call_ = position; }

 private:
  uint32_t seed_;
  PhiloxNoise rest_;
  uint64_t call_ = 0;
};

}  // namespace sd::runtime
