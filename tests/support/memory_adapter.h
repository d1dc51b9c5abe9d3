#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "models/adapters/adapter.h"

/// A model in mind whose only block has one residual block, and adapters in memory for it.
namespace sd::test {

using Tensors = std::map<std::string, at::Tensor>;

inline const models::LayerNames& one_block_names() {
  static const models::LayerNames all([] {
    models::ModelConfig config;
    config.unet = {.in_channels = 9,
                   .model_channels = 32,
                   .num_res_blocks = 1,
                   .attention_resolutions = {1},
                   .channel_mult = {1},
                   .num_heads = 4,
                   .context_dim = 16};
    config.clip_text = {.hidden_size = 16, .intermediate_size = 32, .num_hidden_layers = 1};
    return config;
  }());
  return all;
}

/// A layer of 32 inputs and outputs: as trainers spell it, and its weight.
constexpr const char* kLayer = "lora_unet_mid_block_attentions_0_proj_in";
constexpr const char* kName = "model.diffusion_model.middle_block.1.proj_in.weight";

inline models::AdapterFile file_of(const Tensors& tensors) {
  return models::sort_adapter(
      std::make_shared<const weights::Checkpoint>("memory.safetensors", tensors));
}

inline models::Adapter adapter_of(const Tensors& tensors) {
  return {file_of(tensors), one_block_names()};
}

inline Tensors lora(const std::string& layer, int64_t out, int64_t in, int64_t rank = 2) {
  return {{layer + ".lora_up.weight", at::ones({out, rank})},
          {layer + ".lora_down.weight", at::ones({rank, in})}};
}

/// What a weight becomes with the adapter in it.
inline at::Tensor merged(const models::Adapter& adapter, const std::string& name,
                         const at::Tensor& values, double strength = 1) {
  const weights::WeightEdit edit = models::adapter_edit(
      std::make_shared<const models::Adapter>(adapter), {.unet = strength, .text = strength});
  EXPECT_TRUE(edit.touches(name));
  return edit.apply(name, values);
}

}  // namespace sd::test
