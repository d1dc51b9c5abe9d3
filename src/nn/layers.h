#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/table.h"
#include "weights/weight_view.h"

// The layers of the networks: immutable, built from a scope of the checkpoint, with the names that
// the reference's modules have. Each asks the kernel table when it is built;
// GroupNorm::moments asks for one kernel more, for what is computed in strips.

namespace sd::nn {

/// The pages of a mapped checkpoint behind a layer's weight. A kernel that has made its own copy
/// does not need them any more; where memory is short, they go after each use.
class WeightPages {
 public:
  /// Call when the layer's kernel has been made. `weight`: undefined where that took another's.
  WeightPages(const at::Tensor& weight, const runtime::KernelPolicy& kernels);
  void used() const;

 private:
  at::Tensor weight_;  // undefined unless memory is short
};

/// torch.nn.Conv2d: `weight` [out, in, kernel, kernel], `bias` [out] unless it has none.
/// [N, in, h, w] channels_last → [N, out, h', w'] channels_last, with what Conv2dInputs may ask.
class Conv2d {
 public:
  struct Shape {
    int64_t in, out, kernel;
    int64_t stride = 1;
    int64_t padding = 0;
    bool bias = true;
  };

  Conv2d(const weights::WeightView& view, const Shape& shape, const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const kernels::Conv2dInputs& inputs) const;
  at::Tensor operator()(const at::Tensor& x) const {
    return (*this)(kernels::Conv2dInputs{.x = x});
  }

 private:
  at::Tensor apply(const kernels::Conv2dInputs& inputs) const;

  Shape shape_;
  // A 1x1 convolution is a linear map of the channels; exactly one of the two is set.
  std::shared_ptr<const kernels::Conv2dKernel> conv_;
  std::shared_ptr<const kernels::LinearKernel> linear_;
  std::optional<WeightPages> pages_;
};

/// A convolution of 3x3 with padding, and one of 1x1.
Conv2d conv3x3(const weights::WeightView& view, int64_t in, int64_t out,
               const runtime::KernelPolicy& kernels);
Conv2d conv1x1(const weights::WeightView& view, int64_t in, int64_t out,
               const runtime::KernelPolicy& kernels);

/// torch.nn.Linear: `weight` [out, in], `bias` [out] unless it has none.
class Linear {
 public:
  Linear(const weights::WeightView& view, int64_t in, int64_t out,
         const runtime::KernelPolicy& kernels, bool bias = true);
  /// A convolution of 1x1 as a map of tokens: its `weight` is [out, in, 1, 1].
  static Linear of_conv1x1(const weights::WeightView& view, int64_t in, int64_t out,
                           const runtime::KernelPolicy& kernels);
  /// One of several: its scope and its `out`.
  struct Joined {
    weights::WeightView view;
    int64_t out;
  };
  /// Maps of one input as one product, with a copy of their weights: their results side by side.
  /// `shelf`: a scope that is all of them together and no other's.
  static Linear join(const weights::WeightView& shelf, const std::vector<Joined>& maps, int64_t in,
                     const runtime::KernelPolicy& kernels, bool bias = true);

  /// x [..., in] → [..., out], and `residual` [..., out] added where it is defined.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual = {}) const;

 private:
  /// `shape`: of the weight.
  Linear(const weights::WeightView& view, at::IntArrayRef shape, bool bias,
         const runtime::KernelPolicy& kernels);

  Linear(int64_t weights, std::shared_ptr<const kernels::LinearKernel> kernel,
         const runtime::KernelPolicy& kernels)
      : weights_(weights), kernel_(std::move(kernel)) {
    pages_.emplace(at::Tensor(), kernels);
  }

  int64_t weights_;  // how many
  std::shared_ptr<const kernels::LinearKernel> kernel_;
  std::optional<WeightPages> pages_;
};

/// Mean and variance of the groups of a picture, which may come in pieces.
struct NormMoments {
  at::Tensor mean;      ///< [N, groups] f64
  at::Tensor variance;  ///< [N, groups] f64, of all values and not an estimate
  double values = 0;    ///< that a group has

  /// Those of both pieces together (Chan, Golub and LeVeque 1979).
  void add(const NormMoments& other);
};

using MomentsFn = std::function<NormMoments(const at::Tensor& x)>;

/// torch.nn.GroupNorm: `weight` and `bias` [channels]; SiLU after it where asked.
class GroupNorm {
 public:
  GroupNorm(const weights::WeightView& view, int64_t channels, int64_t groups, double eps,
            bool silu, const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;
  /// For a convolution that normalises what it reads.
  const kernels::GroupNormKernel* kernel() const { return kernel_.get(); }

  int64_t channels() const { return spec_.weight.size(0); }
  /// Tells the moments of x, or of some of its rows: [N, channels, h, w].
  MomentsFn moments() const;
  /// What it does to an input of these moments.
  kernels::ChannelAffine affine(const NormMoments& moments) const;

 private:
  kernels::GroupNormSpec spec_;
  runtime::KernelPolicy kernels_;
  std::shared_ptr<const kernels::GroupNormKernel> kernel_;
};

/// torch.nn.LayerNorm over the last dimension, eps 1e-5.
class LayerNorm {
 public:
  LayerNorm(const weights::WeightView& view, int64_t width);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// torch.nn.Embedding: `weight` [count, width]. ids [...] int64 → [..., width].
class Embedding {
 public:
  Embedding(const weights::WeightView& view, int64_t count, int64_t width);
  at::Tensor operator()(const at::Tensor& ids) const;

 private:
  at::Tensor weight_;
};

/// Multi-head attention over projected queries, keys and values; see AttentionKernel.
class Attention {
 public:
  Attention(int64_t heads, bool causal, const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) const;

 private:
  std::shared_ptr<const kernels::AttentionKernel> kernel_;
};

/// ldm.modules.attention.GEGLU: `weight` [2*out, in], `bias` [2*out]. [..., in] → [..., out].
class Geglu {
 public:
  Geglu(const weights::WeightView& view, int64_t in, int64_t out,
        const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  int64_t weights_;  // how many
  std::shared_ptr<const kernels::GegluKernel> kernel_;
  std::optional<WeightPages> pages_;
};

/// [N, C, h, w] channels_last → [N, h*w, C], a view.
at::Tensor image_to_tokens(const at::Tensor& x);

/// [N, h*w, C] → [N, C, h, w] channels_last, a view.
at::Tensor tokens_to_image(const at::Tensor& tokens, int64_t height, int64_t width);

/// [n, ...] → [rows, ...], all rows over and over; x itself where it has so many. `rows` must be a
/// multiple of n.
at::Tensor repeat_rows(const at::Tensor& x, int64_t rows);

/// Doubles height and width, each value four times: [N, C, h, w] → [N, C, 2h, 2w].
at::Tensor upsample_nearest(const at::Tensor& x);

}  // namespace sd::nn
