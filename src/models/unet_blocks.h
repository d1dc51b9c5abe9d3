#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>
#include <vector>

#include "models/model_config.h"
#include "nn/layers.h"

namespace sd {

/// One evaluation's inputs that every block may read.
struct BlockInputs {
  at::Tensor emb;      ///< [1, 4*model_channels]: SiLU of the time embedding
  at::Tensor context;  ///< [N, 77, context_dim]
};

/// ldm.modules.diffusionmodules.openaimodel.ResBlock. [N, in, h, w] → [N, out, h', w'].
class ResBlock {
 public:
  enum class Resample { kNone, kUp, kDown };

  ResBlock(const WeightView& view, int64_t in, int64_t out, Resample resample,
           const UNetConfig& config, const KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x, const BlockInputs& inputs) const;

 private:
  at::Tensor resampled(const at::Tensor& x) const;
  at::Tensor enter(const at::Tensor& x, const at::Tensor& emb) const;

  Resample resample_;
  bool scale_shift_;
  GroupNorm in_norm_;
  Conv2d in_conv_;
  Linear emb_;
  GroupNorm out_norm_;
  Conv2d out_conv_;
  std::optional<Conv2d> skip_;
};

/// ldm.modules.attention.CrossAttention: queries from x, keys and values from the context.
class CrossAttention {
 public:
  CrossAttention(const WeightView& view, int64_t query_dim, int64_t context_dim, int64_t heads,
                 int64_t dim_head, const KernelPolicy& kernels);
  /// x [N, T, query_dim], context [N, S, context_dim] → [N, T, query_dim].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context) const;

 private:
  Linear to_q_;
  Linear to_k_;
  Linear to_v_;
  Attention attention_;
  Linear to_out_;
};

/// ldm.modules.attention.BasicTransformerBlock: self-attention, cross-attention, GEGLU.
class BasicTransformerBlock {
 public:
  BasicTransformerBlock(const WeightView& view, int64_t dim, int64_t context_dim, int64_t heads,
                        int64_t dim_head, const KernelPolicy& kernels);
  /// x [N, T, dim], context [N, S, context_dim] → [N, T, dim].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context) const;

 private:
  LayerNorm norm1_;
  CrossAttention attn1_;
  LayerNorm norm2_;
  CrossAttention attn2_;
  LayerNorm norm3_;
  Geglu ff_in_;
  Linear ff_out_;
};

/// ldm.modules.attention.SpatialTransformer: transformer blocks over the image's positions.
class SpatialTransformer {
 public:
  SpatialTransformer(const WeightView& view, int64_t channels, const UNetConfig& config,
                     const KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x, const BlockInputs& inputs) const;

 private:
  GroupNorm norm_;
  Conv2d proj_in_;
  std::vector<BasicTransformerBlock> blocks_;
  Conv2d proj_out_;
};

/// Halves height and width: a 3x3 convolution of stride 2, or 2x2 means without weights.
class Downsample {
 public:
  Downsample(const WeightView& view, int64_t channels, const UNetConfig& config,
             const KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::optional<Conv2d> op_;
};

/// Doubles height and width: nearest neighbour, then a 3x3 convolution unless conv_resample is off.
class Upsample {
 public:
  Upsample(const WeightView& view, int64_t channels, const UNetConfig& config,
           const KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::optional<Conv2d> conv_;
};

/// One entry of input_blocks, middle_block or output_blocks: its layers one after the other.
class UNetBlock {
 public:
  using Layer = std::variant<Conv2d, ResBlock, SpatialTransformer, Downsample, Upsample>;

  void add(Layer layer) { layers_.push_back(std::move(layer)); }
  /// The number that the next layer has in the checkpoint.
  int64_t next() const { return static_cast<int64_t>(layers_.size()); }
  at::Tensor operator()(at::Tensor x, const BlockInputs& inputs) const;

 private:
  std::vector<Layer> layers_;
};

}  // namespace sd
