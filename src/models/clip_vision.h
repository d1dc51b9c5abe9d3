#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/clip_encoder.h"
#include "nn/layers.h"

namespace sd::models {

/// The vision tower of CLIP: Hugging Face's names. Defaults: ViT-L/14.
struct ClipVisionConfig {
  int64_t hidden_size = 1024;
  int64_t intermediate_size = 4096;
  int64_t num_hidden_layers = 24;
  int64_t num_attention_heads = 16;
  int64_t image_size = 224;
  int64_t patch_size = 14;
  std::string hidden_act = "quick_gelu";  ///< or "gelu"
};

/// transformers' CLIPVisionTransformer, a ViT (Dosovitskiy et al. 2020) with a layer norm before
/// the first layer. Immutable.
class ClipVision {
 public:
  /// `view` is the scope with `embeddings`, `pre_layrnorm` (so it is spelt), `encoder` and
  /// `post_layernorm`.
  ClipVision(const weights::WeightView& view, const ClipVisionConfig& config,
             const runtime::KernelPolicy& kernels);

  /// Pictures [N, 3, image_size, image_size] f32, normalised → the pooled output
  /// [N, hidden_size]: the class token after the last layer norm.
  at::Tensor operator()(const at::Tensor& pixels) const;

 private:
  at::Tensor class_embedding_;
  nn::Conv2d patch_embedding_;
  nn::Embedding position_embedding_;
  nn::LayerNorm pre_layrnorm_;
  ClipEncoder encoder_;
  nn::LayerNorm post_layernorm_;
};

}  // namespace sd::models
