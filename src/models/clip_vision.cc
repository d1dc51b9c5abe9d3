#include "models/clip_vision.h"

#include <ATen/ATen.h>

namespace sd::models {
namespace {

ClipEncoderSpec encoder_spec(const ClipVisionConfig& config) {
  return {.hidden_size = config.hidden_size,
          .intermediate_size = config.intermediate_size,
          .num_hidden_layers = config.num_hidden_layers,
          .num_attention_heads = config.num_attention_heads,
          .hidden_act = config.hidden_act,
          .causal = false};
}

nn::Conv2d::Shape patch_shape(const ClipVisionConfig& config) {
  return {.in = 3,
          .out = config.hidden_size,
          .kernel = config.patch_size,
          .stride = config.patch_size,
          .bias = false};
}

/// Patches of a square picture, and the class token.
int64_t positions(const ClipVisionConfig& config) {
  const int64_t side = config.image_size / config.patch_size;
  return side * side + 1;
}

}  // namespace

ClipVision::ClipVision(const weights::WeightView& view, const ClipVisionConfig& config,
                       const runtime::KernelPolicy& kernels)
    : class_embedding_(view["embeddings"].get("class_embedding", {config.hidden_size})),
      patch_embedding_(view["embeddings.patch_embedding"], patch_shape(config), kernels),
      position_embedding_(view["embeddings.position_embedding"], positions(config),
                          config.hidden_size),
      pre_layrnorm_(view["pre_layrnorm"], config.hidden_size),
      encoder_(view["encoder"], encoder_spec(config), kernels),
      post_layernorm_(view["post_layernorm"], config.hidden_size) {}

at::Tensor ClipVision::operator()(const at::Tensor& pixels) const {
  const at::Tensor patches =
      nn::image_to_tokens(patch_embedding_(pixels));  // [N, C, h, w] → [N, h*w, C]
  const at::Tensor class_token = class_embedding_.expand({patches.size(0), 1, -1});
  const at::Tensor tokens = at::cat({class_token, patches}, 1);  // [N, 1 + h*w, C]
  const at::Tensor embedded = tokens + position_embedding_(at::arange(tokens.size(1)));
  const at::Tensor hidden = encoder_(pre_layrnorm_(embedded));
  return post_layernorm_(hidden.select(1, 0));  // [N, 1 + h*w, C] → [N, C]
}

}  // namespace sd::models
