#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/noise.h"
#include "sd/noise_place.h"

namespace sd::runtime {

/// The noise of one picture as the web UI draws it (v1.10.1, modules/rng.py): the first call may be
/// changed, those after it are the stream's next.
class PictureNoise final : public NoiseSource {
 public:
  /// `factor`: pixels a latent value stands for, along each side.
  PictureNoise(RngKind rng, uint64_t seed, uint64_t variation_seed, const NoiseChanges& changes,
               int64_t factor = 8);

  /// [1, C, h, w].
  at::Tensor normal(at::IntArrayRef shape) override;

  /// Tensors drawn so far; all must have had one size.
  uint64_t position() const override { return drawn_; }
  void seek(uint64_t position) override;

 private:
  at::Tensor first(at::IntArrayRef shape);

  RngKind rng_;
  uint64_t seed_, variation_seed_;
  NoiseChanges changes_;
  int64_t factor_;
  std::unique_ptr<NoiseSource> stream_;
  uint64_t drawn_ = 0;
  uint64_t length_ = 0;  // of a draw
};

/// From a to b on the arc between them, along the rows of each column: [C, h, w] each.
at::Tensor arc_between(double share, const at::Tensor& a, const at::Tensor& b);

}  // namespace sd::runtime
