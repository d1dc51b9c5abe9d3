#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "models/latent_coder.h"
#include "models/strips.h"
#include "nn/layers.h"

namespace sd::models {

/// ldm.modules.diffusionmodules.model.ResnetBlock, without a time embedding.
class ResnetBlock {
 public:
  ResnetBlock(const weights::WeightView& view, int64_t in, int64_t out, int64_t groups,
              const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;
  /// The block in strips: needs memory for x and for one tensor of its own channels, the result.
  at::Tensor by_strips(RowSource x, const StripWork& work) const;
  int64_t out_channels() const { return norm2_.channels(); }

 private:
  nn::GroupNorm norm1_;
  nn::Conv2d conv1_;
  nn::GroupNorm norm2_;
  nn::Conv2d conv2_;
  std::optional<nn::Conv2d> nin_shortcut_;
};

/// ldm.modules.diffusionmodules.model.AttnBlock: one head over all positions.
class AttnBlock {
 public:
  AttnBlock(const weights::WeightView& view, int64_t channels, int64_t groups,
            const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  nn::GroupNorm norm_;
  nn::Conv2d q_;
  nn::Conv2d k_;
  nn::Conv2d v_;
  nn::Conv2d proj_out_;
  nn::Attention attention_;
};

/// The blocks of one resolution: block.0, block.1, … each followed by attn.i where the config says.
struct AutoencoderLevel {
  std::vector<ResnetBlock> block;
  std::vector<AttnBlock> attn;         ///< empty, or one for each block
  std::optional<nn::Conv2d> resample;  ///< downsample.conv or upsample.conv
  bool resamples = false;              ///< whether the size changes after the blocks
};

/// `count` blocks from `in` to `out` channels, with attention after each where `attention` is set.
AutoencoderLevel make_level(const weights::WeightView& view, int64_t in, int64_t out, int64_t count,
                            bool attention, int64_t groups, const runtime::KernelPolicy& kernels);

/// The blocks of a level, without its resampling. `trace` is called with `name`.block.i.
at::Tensor run_blocks(const AutoencoderLevel& level, at::Tensor h, const std::string& name,
                      const TraceFn& trace);
at::Tensor run_blocks(const AutoencoderLevel& level, RowSource h, const StripWork& work);

/// One more row and column of zeros on the right and below, then a convolution of stride 2; or the
/// mean of 2x2 where the level has none.
at::Tensor downsample(const AutoencoderLevel& level, const at::Tensor& x);
at::Tensor downsample(const AutoencoderLevel& level, const at::Tensor& x, const StripWork& work);

/// x doubled, by the level's convolution where it has one.
at::Tensor upsample(const AutoencoderLevel& level, const at::Tensor& x);

/// mid.block_1, mid.attn_1, mid.block_2.
struct AutoencoderMiddle {
  AutoencoderMiddle(const weights::WeightView& view, int64_t channels, int64_t groups,
                    const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x, const std::string& name, const TraceFn& trace) const;

  ResnetBlock block_1;
  AttnBlock attn_1;
  ResnetBlock block_2;
};

/// A convolution of 3x3 and stride 2, without padding.
nn::Conv2d downsample_conv(const weights::WeightView& view, int64_t channels,
                           const runtime::KernelPolicy& kernels);

/// The norm before a half's last convolution.
nn::GroupNorm last_norm(const weights::WeightView& view, int64_t channels, int64_t groups,
                        const runtime::KernelPolicy& kernels);

}  // namespace sd::models
