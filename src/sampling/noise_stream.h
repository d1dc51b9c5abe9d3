#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "runtime/noise.h"
#include "sampling/brownian.h"

namespace sd::sampling {

/// Where a sampler's noise comes from.
class NoiseStream {
 public:
  virtual ~NoiseStream() = default;

  /// The next draw, [N, C, h, w], on the latent's device. Undefined where its `weight` is 0: it is
  /// drawn, for those that come after it, and not sent there.
  virtual at::Tensor next(double weight) = 0;

  /// What Brownian paths add between two sigmas, over the root of their distance: [N, C, h, w], on
  /// the latent's device.
  virtual at::Tensor between(double from, double to) = 0;
};

/// Draws from a stream of the run, and increments of paths.
class DrawnNoise final : public NoiseStream {
 public:
  /// Draws `shape`, [rows, C, h, w], for the first `pictures` rows: a short batch draws as a full
  /// one, so that those after it are what they would have been. `paths`: one a picture, or none
  /// where `between` is not called.
  DrawnNoise(runtime::NoiseSource& source, std::vector<int64_t> shape, int64_t pictures,
             at::Device device, std::vector<BrownianTree> paths = {})
      : source_(source),
        shape_(std::move(shape)),
        pictures_(pictures),
        device_(device),
        paths_(std::move(paths)) {}

  at::Tensor next(double weight) override;
  at::Tensor between(double from, double to) override;

 private:
  runtime::NoiseSource& source_;
  std::vector<int64_t> shape_;
  int64_t pictures_;
  at::Device device_;
  std::vector<BrownianTree> paths_;
};

}  // namespace sd::sampling
