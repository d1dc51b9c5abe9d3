#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "nn/layers.h"

// Parts of a picture's computation in horizontal strips, so that a large picture never needs its
// widest layers as a whole. The strips overlap by what a convolution reads beyond its rows, and
// norms take the moments of the whole picture: nothing is approximate, results are those of the
// whole within rounding.

namespace sd::models {

/// The rows of [N, C, H, W], in memory or made of a smaller picture whenever they are asked for.
class RowSource {
 public:
  explicit RowSource(at::Tensor x) : x_(std::move(x)) {}
  /// x doubled in height and width, then the 3x3 convolution `conv`, which must outlive this.
  RowSource(at::Tensor x, const nn::Conv2d* conv) : x_(std::move(x)), conv_(conv) {}

  int64_t height() const { return conv_ != nullptr ? 2 * x_.size(2) : x_.size(2); }
  int64_t width() const { return conv_ != nullptr ? 2 * x_.size(3) : x_.size(3); }
  /// What is in memory.
  const at::Tensor& tensor() const { return x_; }
  /// [N, C, end - begin, W].
  at::Tensor rows(int64_t begin, int64_t end) const;

 private:
  at::Tensor x_;
  const nn::Conv2d* conv_ = nullptr;
};

/// Rows [begin, end) of a picture.
struct Strip {
  int64_t begin, end;
  int64_t rows() const { return end - begin; }
};

/// What a strip's widest tensor should take on the device, in bytes of float32: on a card less,
/// where whole pictures are of half precision.
int64_t strip_bytes(const at::Device& device);

/// How a picture is divided, and whom to tell of every strip.
struct StripWork {
  /// Of the widest tensor that a strip makes, about; a strip has at least four rows.
  int64_t bytes = strip_bytes(at::kCPU);
  /// Called after each strip: it may throw to stop.
  std::function<void()> poll = nullptr;

  /// Calls `each` with the strips of a picture from the top to the bottom. `channels`: the most
  /// that a row of the strip has.
  void for_each(int64_t height, int64_t width, int64_t channels,
                const std::function<void(const Strip&)>& each) const;
};

/// A group norm that knows the moments of the picture whose strips it is given.
class KnownNorm final : public kernels::GroupNormKernel {
 public:
  /// Takes the moments strip by strip.
  KnownNorm(const nn::GroupNorm& norm, const RowSource& x, const StripWork& work);
  KnownNorm(const nn::GroupNorm& norm, const nn::NormMoments& moments)
      : affine_(norm.affine(moments)) {}

  at::Tensor operator()(const at::Tensor& x) const override;
  kernels::ChannelAffine affine(const at::Tensor&) const override { return affine_; }

 private:
  kernels::ChannelAffine affine_;
};

/// Memory for a picture that strips are written to: [N, channels, height, width] channels_last.
at::Tensor empty_picture(const at::Tensor& like, int64_t channels, int64_t height, int64_t width);

/// The rows of a strip of conv(norm(x)), for a 3x3 convolution of padding 1.
at::Tensor conv_rows(const nn::Conv2d& conv, const kernels::GroupNormKernel* norm,
                     const RowSource& x, const Strip& strip);

}  // namespace sd::models
