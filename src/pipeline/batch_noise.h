#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/noise.h"
#include "sampling/brownian.h"
#include "sd/noise_place.h"

namespace sd::pipeline {

/// The random numbers of one batch, from the place where they lie.
class BatchNoise {
 public:
  /// `picture`: a picture's latent, [C, h, w]; `factor`: pixels a latent value stands for.
  BatchNoise(const NoisePlace& place, int64_t pictures, std::vector<int64_t> picture,
             int64_t factor);

  /// Of every tensor: [rows, C, h, w].
  const std::vector<int64_t>& shape() const { return shape_; }

  /// For the latents of pictures, which torch draws on the CPU whatever the device: the draw of
  /// that number, from 0.
  at::Tensor posterior(int64_t number) const;

  /// What sampling starts from. The stream then is where the steps draw.
  at::Tensor start();
  /// Back to there.
  void rewind() { stream_->seek(steps_); }

  runtime::NoiseSource& steps() { return *stream_; }

  /// A Brownian path a picture, from the lowest to the highest sigma.
  std::vector<sampling::BrownianTree> paths(double lowest, double highest) const;

 private:
  NoisePlace place_;
  std::vector<int64_t> shape_;
  std::unique_ptr<runtime::NoiseSource> stream_;
  uint64_t steps_ = 0;
};

}  // namespace sd::pipeline
