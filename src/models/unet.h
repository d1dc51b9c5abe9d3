#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/unet_blocks.h"

namespace sd::models {

/// What one evaluation of the UNet reads.
struct UNetInputs {
  at::Tensor x;  ///< [n, in_channels, h, w], with the further channels of inpainting models
  double t;      ///< in steps of the training schedule (0 to 999, need not be whole)
  /// Of N rows, a multiple of n: row i of the context goes with row i mod n of x, and what does not
  /// depend on the context is computed once.
  const PreparedContext& context;
  /// What is added to the outputs of input_blocks.0, input_blocks.1, … and of middle_block, in this
  /// order, of n rows each; empty where there is nothing.
  std::vector<at::Tensor> residuals = {};
};

/// ldm.modules.diffusionmodules.openaimodel.UNetModel with spatial transformers: predicts the noise
/// in x at time t under a context.
class UNet {
 public:
  /// Called with the name of each block ("input_blocks.0", …, "out") and what it gave.
  using Trace = std::function<void(const std::string&, const at::Tensor&)>;

  UNet(const weights::WeightView& view, const UNetConfig& config,
       const runtime::KernelPolicy& kernels);

  /// What all evaluations under a context [N, T, context_dim] share.
  PreparedContext prepare(const at::Tensor& context) const;

  /// The noise [N, out_channels, h, w] f32, contiguous. Throws kInternal for rows, channels or
  /// residuals that do not go together.
  at::Tensor operator()(const UNetInputs& inputs, const Trace& trace = nullptr) const;
  at::Tensor operator()(const at::Tensor& x, double t, const PreparedContext& context,
                        const Trace& trace = nullptr) const {
    return (*this)(UNetInputs{x, t, context}, trace);
  }
  at::Tensor operator()(const at::Tensor& x, double t, const at::Tensor& context,
                        const Trace& trace = nullptr) const {
    return (*this)(x, t, prepare(context), trace);
  }

  /// What all blocks read of S times, a row each, on the network's device: [S, emb_width].
  at::Tensor embed(const std::vector<double>& times) const;
  /// With a row of `embed` in place of the inputs' t.
  at::Tensor operator()(const UNetInputs& inputs, const at::Tensor& emb, const Trace& trace) const;
  /// Whether `embed` makes all that depends on the time alone, so that it is worth calling for all
  /// times of a run ahead.
  bool embeds_ahead() const { return emb_layers_.has_value(); }

 private:
  void check(const UNetInputs& inputs) const;
  at::Tensor embed(const std::vector<double>& times, const Trace& trace) const;
  at::Tensor run(const UNetInputs& inputs, const at::Tensor& emb, const Trace& trace) const;

  UNetConfig config_;
  at::TensorOptions options_;  // of the weights, and of what is computed between
  nn::Linear time_embed_0_;
  nn::Linear time_embed_2_;
  std::vector<UNetBlock> input_blocks_;
  UNetBlock middle_block_;
  std::vector<UNetBlock> output_blocks_;
  std::optional<nn::Linear> emb_layers_;  // of all ResBlocks, where products are joined
  nn::GroupNorm out_norm_;
  nn::Conv2d out_conv_;
};

/// Sinusoids of t: [cos(t·f_0) … | sin(t·f_0) …], f_i = 10000^(-i / (width/2)), and a zero if the
/// width is odd. [1, width] f32 (ldm.modules.diffusionmodules.util.timestep_embedding).
at::Tensor timestep_embedding(double t, int64_t width);

}  // namespace sd::models
