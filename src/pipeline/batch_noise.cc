#include "pipeline/batch_noise.h"

#include <ATen/ATen.h>

#include <functional>
#include <numeric>
#include <utility>

#include "runtime/picture_noise.h"

namespace sd::pipeline {
namespace {

/// A stream a picture, side by side.
std::unique_ptr<runtime::NoiseSource> own_streams(const NoisePlace& place, int64_t factor) {
  if (!place.changes.any()) return std::make_unique<runtime::RowsOfNoise>(place.rng, place.seeds);
  std::vector<std::unique_ptr<runtime::NoiseSource>> rows;
  for (size_t i = 0; i < place.seeds.size(); ++i) {
    const uint64_t variation = i < place.variation_seeds.size() ? place.variation_seeds[i] : 0;
    rows.push_back(std::make_unique<runtime::PictureNoise>(place.rng, place.seeds[i], variation,
                                                           place.changes, factor));
  }
  return std::make_unique<runtime::RowsOfNoise>(std::move(rows));
}

}  // namespace

BatchNoise::BatchNoise(const NoisePlace& place, int64_t pictures, std::vector<int64_t> picture,
                       int64_t factor)
    : place_(place), shape_(std::move(picture)) {
  shape_.insert(shape_.begin(), place.shared() ? place.rows : pictures);
  stream_ = place.shared() ? runtime::make_noise_source(place.rng, place.seeds.front())
                           : own_streams(place, factor);
}

at::Tensor BatchNoise::posterior(int64_t number) const {
  const bool one = place_.shared() || place_.init_seed;
  std::unique_ptr<runtime::NoiseSource> stream;
  if (one) {
    stream =
        runtime::make_noise_source(RngKind::kCpu, place_.init_seed.value_or(place_.seeds.front()));
  } else {
    stream = std::make_unique<runtime::RowsOfNoise>(RngKind::kCpu, place_.seeds);
  }
  const int64_t values = std::accumulate(shape_.begin() + (one ? 0 : 1), shape_.end(), int64_t{1},
                                         std::multiplies<>());
  stream->seek(place_.init.value_or(0) +
               static_cast<uint64_t>(number) * runtime::draw_length(RngKind::kCpu, values));
  return stream->normal(shape_);
}

at::Tensor BatchNoise::start() {
  stream_->seek(place_.start);
  const at::Tensor noise = stream_->normal(shape_);
  steps_ = place_.shared() ? place_.steps : stream_->position();
  rewind();
  return noise;
}

std::vector<sampling::BrownianTree> BatchNoise::paths(double lowest, double highest) const {
  std::vector<sampling::BrownianTree> paths;
  for (const uint64_t seed : place_.seeds) {
    paths.emplace_back(place_.rng, seed, std::vector<int64_t>(shape_.begin() + 1, shape_.end()),
                       static_cast<float>(lowest), static_cast<float>(highest));
  }
  return paths;
}

}  // namespace sd::pipeline
