#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/autoencoder_blocks.h"
#include "models/latent_coder.h"
#include "models/later_network.h"
#include "models/model_config.h"

namespace sd::models {

/// ldm.modules.diffusionmodules.model.Encoder: [N, in, H, W] → [N, 2*z, H/f, W/f].
class Encoder {
 public:
  Encoder(const weights::WeightView& view, const AutoencoderConfig& config,
          const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& x, const TraceFn& trace) const;
  /// Computes the result in strips.
  at::Tensor by_strips(const at::Tensor& x, const StripWork& work) const;

 private:
  int64_t z_channels_;
  nn::Conv2d conv_in_;
  std::vector<AutoencoderLevel> down_;
  AutoencoderMiddle mid_;
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
};

/// The half of an autoencoder that encodes, quant_conv behind the Encoder. `view`: of the whole.
struct EncodingHalf {
  EncodingHalf(const weights::WeightView& view, const AutoencoderConfig& config,
               const runtime::KernelPolicy& kernels);

  Encoder encoder;
  nn::Conv2d quant_conv;
};

/// ldm.modules.diffusionmodules.model.Decoder: [N, z, h, w] → [N, out, h*f, w*f].
class Decoder {
 public:
  Decoder(const weights::WeightView& view, const AutoencoderConfig& config,
          const runtime::KernelPolicy& kernels);
  at::Tensor operator()(const at::Tensor& z, const TraceFn& trace) const;
  /// Computes the result in strips.
  at::Tensor by_strips(const at::Tensor& z, const StripWork& work) const;

 private:
  RowSource upsampled(size_t level, at::Tensor x) const;

  int64_t out_ch_;
  nn::Conv2d conv_in_;
  AutoencoderMiddle mid_;
  std::vector<AutoencoderLevel> up_;  // up_[0] is the largest resolution, and the last applied
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
};

/// ldm.models.autoencoder.AutoencoderKL: pictures to latents and back.
class Autoencoder {
 public:
  Autoencoder(const weights::WeightView& view, const AutoencoderConfig& config, CoderParts parts,
              const runtime::KernelPolicy& kernels);

  /// Mean and log-variance of the latent of a picture: x [N, 3, H, W] in [-1, 1] →
  /// [N, 2*embed_dim, H/f, W/f] f32.
  at::Tensor moments(const at::Tensor& x, const TraceFn& trace = nullptr) const;

  at::Tensor moments(const at::Tensor& x, const StripWork& work) const;

  /// The picture of a latent: z [N, embed_dim, h, w] → [N, 3, h*f, w*f] f32, about [-1, 1].
  at::Tensor decode(const at::Tensor& z, const TraceFn& trace = nullptr) const;
  /// Decodes in strips: a large picture takes less than half of the memory, and about a fifth more
  /// time. Needs two tensors of the picture's size with the channels of the last level (so does
  /// `moments` in strips), and what the strips take.
  at::Tensor decode(const at::Tensor& z, const StripWork& work) const;

 private:
  at::Tensor entering(const at::Tensor& x) const;

  at::TensorOptions options_;  // of the weights, and of what is computed between
  nn::Conv2d post_quant_conv_;
  Decoder decoder_;
  LaterNetwork<EncodingHalf, AutoencoderConfig> encoding_;
};

/// A draw from the Gaussian that `moments` describe: mean + exp(logvar/2)·noise, with the
/// log-variance kept within [-30, 20] (ldm.modules.distributions).
at::Tensor sample_posterior(const at::Tensor& moments, const at::Tensor& noise);

}  // namespace sd::models
