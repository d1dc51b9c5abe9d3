#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "nn/layers.h"

namespace sd::models {

/// What the layers of CLIP's two towers differ in, with Hugging Face's names.
struct ClipEncoderSpec {
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  std::string hidden_act = "quick_gelu";  ///< or "gelu"
  bool causal = false;                    ///< position i sees positions 0..i (the text tower)
};

/// transformers' CLIPEncoderLayer (pre-norm; Radford et al. 2021).
class ClipEncoderLayer {
 public:
  ClipEncoderLayer(const weights::WeightView& view, const ClipEncoderSpec& spec,
                   const runtime::KernelPolicy& kernels);

  /// [N, T, hidden_size] → the same shape.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  nn::LayerNorm layer_norm1_;
  nn::Linear q_proj_;
  nn::Linear k_proj_;
  nn::Linear v_proj_;
  nn::Attention attention_;
  nn::Linear out_proj_;
  nn::LayerNorm layer_norm2_;
  nn::Linear fc1_;
  nn::Linear fc2_;
  bool quick_gelu_;
};

/// transformers' CLIPEncoder: `layers.0`, `layers.1`, … Immutable.
class ClipEncoder {
 public:
  /// Called with a layer's number (0: the input) and what it gave.
  using Trace = std::function<void(int64_t, const at::Tensor&)>;

  ClipEncoder(const weights::WeightView& view, const ClipEncoderSpec& spec,
              const runtime::KernelPolicy& kernels);

  /// [N, T, hidden_size] → the same shape, without the last `skipped` layers.
  at::Tensor operator()(const at::Tensor& x, const Trace& trace = nullptr,
                        size_t skipped = 0) const;

 private:
  std::vector<ClipEncoderLayer> layers_;
};

}  // namespace sd::models
