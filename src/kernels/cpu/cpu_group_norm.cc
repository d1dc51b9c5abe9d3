#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/norm.h"
#include "runtime/parallel.h"

namespace sd::kernels::cpu {
namespace {

using norm::kStrip;

/// Pixels in one piece of work. Fixed, so that the sums do not depend on the thread count.
constexpr int64_t kPixels = 1024;

/// Pieces of so many values each that are worth a thread of their own.
int64_t grain_of(int64_t values) {
  constexpr int64_t kLeastValues = 1 << 16;
  return std::max<int64_t>(1, kLeastValues / std::max<int64_t>(1, values));
}

class CpuGroupNorm final : public GroupNormKernel {
 public:
  CpuGroupNorm(const GroupNormSpec& spec, const norm::Steps& steps) : spec_(spec), steps_(steps) {}

  at::Tensor operator()(const at::Tensor& x) const override;
  ChannelAffine affine(const at::Tensor& x) const override;

 private:
  at::Tensor sums(const at::Tensor& x) const;
  void fill_affine(const double* sums, double count, int64_t picture,
                   const ChannelAffine& affine) const;

  GroupNormSpec spec_;
  const norm::Steps& steps_;
};

/// x [N, C, h, w] channels_last → [N, 2, C] f64: each channel's sum and sum of squares.
at::Tensor CpuGroupNorm::sums(const at::Tensor& x) const {
  const int64_t n = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
  const int64_t pieces = (pixels + kPixels - 1) / kPixels;
  const int64_t strips = (channels + kStrip - 1) / kStrip;
  const at::Tensor parts = at::empty({n, pieces, 2, channels}, at::TensorOptions(at::kDouble));
  const float* from = x.const_data_ptr<float>();
  double* to = parts.mutable_data_ptr<double>();
  const int64_t grain = grain_of(std::min(kPixels, pixels) * std::min<int64_t>(kStrip, channels));
  runtime::parallel_for(0, n * pieces * strips, grain, [&](int64_t first, int64_t last) {
    for (int64_t item = first; item < last; ++item) {
      const int64_t c = item % strips * kStrip, part = item / strips;
      const int64_t begin = part % pieces * kPixels;
      double* sum = to + part * 2 * channels + c;
      steps_.sums(from + (part / pieces * pixels + begin) * channels + c,
                  std::min(kPixels, pixels - begin), channels,
                  static_cast<int>(std::min<int64_t>(kStrip, channels - c)), sum, sum + channels);
    }
  });
  return parts.sum(1);
}

/// From one picture's sums over `count` pixels: what is done to each channel.
void CpuGroupNorm::fill_affine(const double* sums, double count, int64_t picture,
                               const ChannelAffine& affine) const {
  const int64_t channels = spec_.weight.size(0), width = channels / spec_.groups;
  const float* weight = spec_.weight.const_data_ptr<float>();
  const float* bias = spec_.bias.const_data_ptr<float>();
  float* means = affine.mean.mutable_data_ptr<float>() + picture * channels;
  float* scale = affine.scale.mutable_data_ptr<float>() + picture * channels;
  float* shift = affine.shift.mutable_data_ptr<float>() + picture * channels;
  for (int64_t begin = 0; begin < channels; begin += width) {
    double sum = 0, squares = 0;
    for (int64_t c = begin; c < begin + width; ++c) {
      sum += sums[c];
      squares += sums[channels + c];
    }
    const double values = count * static_cast<double>(width);
    const double mean = sum / values;
    const double variance = squares / values - mean * mean;  // a little below zero, perhaps
    const double factor = 1 / std::sqrt((variance < 0 ? 0 : variance) + spec_.eps);
    for (int64_t c = begin; c < begin + width; ++c) {
      means[c] = static_cast<float>(mean);
      scale[c] = static_cast<float>(weight[c] * factor);
      // What rounding took from the mean goes here.
      shift[c] = static_cast<float>(bias[c] + (means[c] - mean) * scale[c]);
    }
  }
}

ChannelAffine CpuGroupNorm::affine(const at::Tensor& x) const {
  const at::Tensor all = sums(x.contiguous(at::MemoryFormat::ChannelsLast)).contiguous();
  const int64_t n = x.size(0), channels = x.size(1);
  const at::Tensor values = at::empty({3, n, channels}, at::TensorOptions(at::kFloat));
  const ChannelAffine affine{values[0], values[1], values[2], spec_.silu};
  for (int64_t i = 0; i < n; ++i) {
    fill_affine(all.const_data_ptr<double>() + i * 2 * channels,
                static_cast<double>(x.size(2) * x.size(3)), i, affine);
  }
  return affine;
}

at::Tensor CpuGroupNorm::operator()(const at::Tensor& input) const {
  constexpr auto kLast = at::MemoryFormat::ChannelsLast;
  const at::Tensor x = input.contiguous(kLast);
  const at::Tensor y = at::empty(x.sizes(), at::TensorOptions(at::kFloat).memory_format(kLast));
  if (x.numel() == 0) return y;
  const ChannelAffine by = affine(x);
  const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
  const int64_t pieces = (pixels + kPixels - 1) / kPixels;
  const int64_t grain = grain_of(std::min(kPixels, pixels) * channels);
  runtime::parallel_for(0, x.size(0) * pieces, grain, [&](int64_t first, int64_t last) {
    for (int64_t item = first; item < last; ++item) {
      const int64_t n = item / pieces, begin = item % pieces * kPixels;
      const int64_t at = (n * pixels + begin) * channels;
      const norm::Affine affine{by.mean.const_data_ptr<float>() + n * channels,
                                by.scale.const_data_ptr<float>() + n * channels,
                                by.shift.const_data_ptr<float>() + n * channels, by.silu};
      steps_.apply(x.const_data_ptr<float>() + at, std::min(kPixels, pixels - begin), channels,
                   affine, y.mutable_data_ptr<float>() + at);
    }
  });
  return y;
}

}  // namespace

std::unique_ptr<const GroupNormKernel> make_group_norm_avx2(const GroupNormSpec& spec,
                                                            const runtime::KernelPolicy&) {
  return std::make_unique<CpuGroupNorm>(spec, norm::kStepsAvx2);
}
std::unique_ptr<const GroupNormKernel> make_group_norm_avx512(const GroupNormSpec& spec,
                                                              const runtime::KernelPolicy&) {
  return std::make_unique<CpuGroupNorm>(spec, norm::kStepsAvx512);
}

}  // namespace sd::kernels::cpu
