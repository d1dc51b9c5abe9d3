#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>
#include <vector>

#include "models/model_config.h"
#include "nn/layers.h"

namespace sd::models {

/// What a cross-attention layer needs of the context.
struct KeysAndValues {
  at::Tensor k;  ///< [N, S, heads*d]
  at::Tensor v;  ///< [N, S, heads*d]
};

/// A context [N, S, context_dim] as a UNet uses it, computed once for all steps of a run
/// (UNet::prepare).
struct PreparedContext {
  std::vector<KeysAndValues> layers;  ///< of the transformer blocks, in the order they are built
  int64_t rows = 0;                   ///< N
};

/// One evaluation's inputs that every block may read.
struct BlockInputs {
  /// [1, 4*model_channels]: SiLU of the time embedding. Where products are joined: what the
  /// ResBlocks make of it, [1, all their widths], side by side.
  at::Tensor emb;
  const PreparedContext& context;
};

/// ldm.modules.diffusionmodules.openaimodel.ResBlock. [N, in, h, w] → [N, out, h', w'].
class ResBlock {
 public:
  enum class Resample { kNone, kUp, kDown };

  /// `emb_begin`: where its part of the joined embeddings begins.
  ResBlock(const weights::WeightView& view, int64_t in, int64_t out, Resample resample,
           int64_t emb_begin, const UNetConfig& config, const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x, const BlockInputs& inputs) const;

  /// The map of the time embedding to what a block of so many channels adds.
  static nn::Linear::Joined emb_layer(const weights::WeightView& view, int64_t out,
                                      const UNetConfig& config) {
    return {view["emb_layers.1"], config.use_scale_shift_norm ? 2 * out : out};
  }

 private:
  at::Tensor resampled(const at::Tensor& x) const;
  at::Tensor enter(const at::Tensor& x, const at::Tensor& emb) const;
  /// [1, out or 2*out]
  at::Tensor embedded(const BlockInputs& inputs) const;

  Resample resample_;
  bool scale_shift_;
  int64_t emb_begin_;
  int64_t emb_width_;
  nn::GroupNorm in_norm_;
  nn::Conv2d in_conv_;
  std::optional<nn::Linear> emb_;  // unset: it was made ahead
  nn::GroupNorm out_norm_;
  nn::Conv2d out_conv_;
  std::optional<nn::Conv2d> skip_;
};

/// ldm.modules.attention.CrossAttention: queries from x, keys and values from the context.
class CrossAttention {
 public:
  CrossAttention(const weights::WeightView& view, int64_t query_dim, int64_t context_dim,
                 int64_t heads, int64_t dim_head, const runtime::KernelPolicy& kernels);
  /// context [N, S, context_dim] → its keys and values.
  KeysAndValues project(const at::Tensor& context) const;
  /// x [n, T, query_dim], N a multiple of n, residual [N, T, query_dim] → [N, T, query_dim]: what x
  /// attends to, n rows over and over, and the residual.
  at::Tensor operator()(const at::Tensor& x, const KeysAndValues& context,
                        const at::Tensor& residual) const;

 private:
  nn::Linear to_q_;
  nn::Linear to_k_;
  nn::Linear to_v_;
  nn::Attention attention_;
  nn::Linear to_out_;
};

/// The reference's CrossAttention with x itself as the context.
class SelfAttention {
 public:
  SelfAttention(const weights::WeightView& view, int64_t dim, int64_t heads, int64_t dim_head,
                const runtime::KernelPolicy& kernels);
  /// x and residual [n, T, dim] → [n, T, dim]: what x attends to, and the residual.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual) const;

 private:
  std::vector<nn::Linear> to_qkv_;  // three, or one that is all of them
  nn::Attention attention_;
  nn::Linear to_out_;
};

/// ldm.modules.attention.BasicTransformerBlock: self-attention, cross-attention, GEGLU.
class BasicTransformerBlock {
 public:
  BasicTransformerBlock(const weights::WeightView& view, int64_t dim, int64_t context_dim,
                        int64_t heads, int64_t dim_head, const runtime::KernelPolicy& kernels);
  /// context [N, S, context_dim] → the cross-attention's keys and values.
  KeysAndValues project(const at::Tensor& context) const { return attn2_.project(context); }
  /// x [n, T, dim], N a multiple of n → [N, T, dim].
  at::Tensor operator()(const at::Tensor& x, const KeysAndValues& context) const;

 private:
  nn::LayerNorm norm1_;
  SelfAttention attn1_;
  nn::LayerNorm norm2_;
  CrossAttention attn2_;
  nn::LayerNorm norm3_;
  nn::Geglu ff_in_;
  nn::Linear ff_out_;
};

/// ldm.modules.attention.SpatialTransformer: transformer blocks over the image's positions.
class SpatialTransformer {
 public:
  /// `first_layer` is how many transformer blocks the UNet has before this one's.
  SpatialTransformer(const weights::WeightView& view, int64_t channels, size_t first_layer,
                     const UNetConfig& config, const runtime::KernelPolicy& kernels);
  /// Appends the keys and values of its blocks.
  void prepare(const at::Tensor& context, PreparedContext* prepared) const;
  /// x [n, C, h, w], N a multiple of n → [N, C, h, w].
  at::Tensor operator()(const at::Tensor& x, const BlockInputs& inputs) const;

 private:
  size_t first_layer_;
  nn::GroupNorm norm_;
  nn::Linear proj_in_;
  std::vector<BasicTransformerBlock> blocks_;
  nn::Linear proj_out_;
};

/// Halves height and width: a 3x3 convolution of stride 2, or 2x2 means without weights.
class Downsample {
 public:
  Downsample(const weights::WeightView& view, int64_t channels, const UNetConfig& config,
             const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::optional<nn::Conv2d> op_;
};

/// Doubles height and width: nearest neighbour, then a 3x3 convolution unless conv_resample is off.
class Upsample {
 public:
  Upsample(const weights::WeightView& view, int64_t channels, const UNetConfig& config,
           const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::optional<nn::Conv2d> conv_;
};

/// One entry of input_blocks, middle_block or output_blocks: its layers one after the other.
class UNetBlock {
 public:
  using Layer = std::variant<nn::Conv2d, ResBlock, SpatialTransformer, Downsample, Upsample>;

  void add(Layer layer) { layers_.push_back(std::move(layer)); }
  /// The number that the next layer has in the checkpoint.
  int64_t next() const { return static_cast<int64_t>(layers_.size()); }
  /// Appends the keys and values of its transformers.
  void prepare(const at::Tensor& context, PreparedContext* prepared) const;
  at::Tensor operator()(at::Tensor x, const BlockInputs& inputs) const;

 private:
  std::vector<Layer> layers_;
};

}  // namespace sd::models
