#include "runtime/picture_noise.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace sd::runtime {
namespace {

/// Python's whole division: towards minus infinity.
int64_t half_of(int64_t number) { return (number - (number < 0 ? 1 : 0)) / 2; }

/// Puts the middle of `from` into the middle of a copy of `into`; both [C, h, w].
at::Tensor paste(const at::Tensor& from, const at::Tensor& into) {
  const int64_t dy = half_of(into.size(1) - from.size(1));
  const int64_t dx = half_of(into.size(2) - from.size(2));
  const auto covered = [](int64_t d, int64_t inner, int64_t outer) {
    return d >= 0 ? inner : std::min(inner + 2 * d, outer);
  };
  const int64_t height = covered(dy, from.size(1), into.size(1));
  const int64_t width = covered(dx, from.size(2), into.size(2));
  at::Tensor result = into.clone();
  const auto part = [&](const at::Tensor& of, int64_t y, int64_t x) {
    return of.narrow(1, std::max<int64_t>(y, 0), height).narrow(2, std::max<int64_t>(x, 0), width);
  };
  part(result, dy, dx).copy_(part(from, -dy, -dx));
  return result;
}

}  // namespace

at::Tensor arc_between(double share, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor unit_a = a / a.norm(2, {1}, /*keepdim=*/true);
  const at::Tensor unit_b = b / b.norm(2, {1}, /*keepdim=*/true);
  const at::Tensor dot = (unit_a * unit_b).sum(1);
  constexpr double kParallel = 0.9995;
  if (dot.mean().item<double>() > kParallel) return b * share + a * (1 - share);
  const at::Tensor omega = dot.acos();
  const at::Tensor sine = omega.sin();
  return (((1.0 - share) * omega).sin() / sine).unsqueeze(1) * a +
         ((share * omega).sin() / sine).unsqueeze(1) * b;
}

PictureNoise::PictureNoise(RngKind rng, uint64_t seed, uint64_t variation_seed,
                           const NoiseChanges& changes, int64_t factor)
    : rng_(rng), seed_(seed), variation_seed_(variation_seed), changes_(changes), factor_(factor) {
  seek(0);
}

at::Tensor PictureNoise::first(at::IntArrayRef shape) {
  const std::vector<int64_t> own(shape.begin() + 1, shape.end());  // [C, h, w]
  std::vector<int64_t> from = own;
  if (changes_.from_height > 0 && changes_.from_width > 0) {
    from = {own[0], changes_.from_height / factor_, changes_.from_width / factor_};
  }
  const bool resized = from != own;
  at::Tensor noise = resized ? make_noise_source(rng_, seed_)->normal(from) : stream_->normal(own);
  if (changes_.variation_strength != 0) {
    const at::Tensor other = make_noise_source(rng_, variation_seed_)->normal(from);
    noise = arc_between(changes_.variation_strength, noise, other);
  }
  return resized ? paste(noise, stream_->normal(own)) : noise;
}

at::Tensor PictureNoise::normal(at::IntArrayRef shape) {
  TORCH_CHECK(shape.size() == 4 && shape[0] == 1, "one picture's noise at a time");
  length_ = draw_length(rng_, c10::multiply_integers(shape));
  at::Tensor noise;
  if (drawn_ == 0) {
    noise = first(shape);
    if (changes_.seed_delta != 0) stream_ = make_noise_source(rng_, seed_ + changes_.seed_delta);
  } else {
    noise = stream_->normal(shape.slice(1));
  }
  ++drawn_;
  return noise.reshape(shape);
}

void PictureNoise::seek(uint64_t position) {
  const bool again = position > 0 && changes_.seed_delta != 0;
  stream_ = make_noise_source(rng_, seed_ + (again ? changes_.seed_delta : 0));
  stream_->seek((again ? position - 1 : position) * length_);
  drawn_ = position;
}

}  // namespace sd::runtime
