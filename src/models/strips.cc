#include "models/strips.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace sd::models {

int64_t strip_bytes(const at::Device& device) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
  return (device.is_cpu() ? 128 : 32) * kMebibyte;
}

at::Tensor RowSource::rows(int64_t begin, int64_t end) const {
  if (conv_ == nullptr) return x_.narrow(2, begin, end - begin);
  // Of rows [first, last) the convolution makes 2*first to 2*last; the outermost ones are right
  // only where the picture itself ends.
  const int64_t first = std::max<int64_t>(0, (begin - 1) / 2);
  const int64_t last = std::min(x_.size(2), end / 2 + 1);
  const at::Tensor doubled = (*conv_)({.x = x_.narrow(2, first, last - first), .upsample = true});
  return doubled.narrow(2, begin - 2 * first, end - begin);
}

void StripWork::for_each(int64_t height, int64_t width, int64_t channels,
                         const std::function<void(const Strip&)>& each) const {
  constexpr int64_t kLeastRows = 4;
  const int64_t row = width * channels * static_cast<int64_t>(sizeof(float));
  const int64_t most = std::max(kLeastRows, bytes / row);
  const int64_t count = (height + most - 1) / most;
  for (int64_t i = 0; i < count; ++i) {
    each({height * i / count, height * (i + 1) / count});
    if (poll) poll();
  }
}

KnownNorm::KnownNorm(const nn::GroupNorm& norm, const RowSource& x, const StripWork& work) {
  nn::NormMoments moments;
  const nn::MomentsFn moments_of = norm.moments();
  work.for_each(x.height(), x.width(), norm.channels(), [&](const Strip& strip) {
    moments.add(moments_of(x.rows(strip.begin, strip.end)));
  });
  affine_ = norm.affine(moments);
}

at::Tensor KnownNorm::operator()(const at::Tensor& x) const {
  const auto per_pixel = [](const at::Tensor& of_channels) {
    return of_channels.unsqueeze(-1).unsqueeze(-1);  // [N, C] → [N, C, 1, 1]
  };
  at::Tensor y = x.to(at::kFloat) - per_pixel(affine_.mean);
  y.mul_(per_pixel(affine_.scale)).add_(per_pixel(affine_.shift));
  if (affine_.silu) at::silu_(y);
  return y.to(x.scalar_type());
}

at::Tensor empty_picture(const at::Tensor& like, int64_t channels, int64_t height, int64_t width) {
  return at::empty({like.size(0), channels, height, width},
                   like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

at::Tensor conv_rows(const nn::Conv2d& conv, const kernels::GroupNormKernel* norm,
                     const RowSource& x, const Strip& strip) {
  // The convolution takes the rows above and below for zeros: those it makes of them are cut off.
  const int64_t above = std::max<int64_t>(0, strip.begin - 1);
  const int64_t below = std::min(x.height(), strip.end + 1);
  const at::Tensor y = conv({.x = x.rows(above, below), .norm = norm});
  return y.narrow(2, strip.begin - above, strip.rows());
}

}  // namespace sd::models
