#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "models/unet_blocks.h"

namespace sd {

/// ldm.modules.diffusionmodules.openaimodel.UNetModel with spatial transformers: predicts the noise
/// in x at time t under a context.
class UNet {
 public:
  /// Called with the name of each block ("input_blocks.0", …, "out") and what it gave.
  using Trace = std::function<void(const std::string&, const at::Tensor&)>;

  UNet(const WeightView& view, const UNetConfig& config, const KernelPolicy& kernels);

  /// What all evaluations under a context [N, 77, context_dim] share.
  PreparedContext prepare(const at::Tensor& context) const;

  /// x [n, in_channels, h, w], t in steps of the training schedule (0 to 999, need not be
  /// whole), a context of N rows → [N, out_channels, h, w] f32, contiguous. N is a multiple of n:
  /// row i of the context goes with row i mod n of x, and what does not depend on the context is
  /// computed once. Throws kInternal for another N.
  at::Tensor operator()(const at::Tensor& x, double t, const PreparedContext& context,
                        const Trace& trace = nullptr) const;
  at::Tensor operator()(const at::Tensor& x, double t, const at::Tensor& context,
                        const Trace& trace = nullptr) const {
    return (*this)(x, t, prepare(context), trace);
  }

  /// What the network reads of a time: [1, model_channels] f32, on its device.
  at::Tensor sinusoids(double t) const;
  /// As with t, of which these are the sinusoids.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& sinusoids,
                        const PreparedContext& context, const Trace& trace = nullptr) const;

 private:
  UNetConfig config_;
  at::TensorOptions options_;  // of the weights, and of what is computed between
  Linear time_embed_0_;
  Linear time_embed_2_;
  std::vector<UNetBlock> input_blocks_;
  UNetBlock middle_block_;
  std::vector<UNetBlock> output_blocks_;
  GroupNorm out_norm_;
  Conv2d out_conv_;
};

/// Sinusoids of t: [cos(t·f_0) … | sin(t·f_0) …], f_i = 10000^(-i / (width/2)), and a zero if the
/// width is odd. [1, width] f32 (ldm.modules.diffusionmodules.util.timestep_embedding).
at::Tensor timestep_embedding(double t, int64_t width);

}  // namespace sd
