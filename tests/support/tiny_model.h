#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "support/temp_folder.h"

/// A model of the layout of Stable Diffusion v1 that is small enough for a test to make itself.
namespace sd::test {

/// The config of the small model. JSON is YAML, too, and easier to change key by key.
inline nlohmann::json tiny_config() {
  return nlohmann::json::parse(R"({"model": {
    "target": "ldm.models.diffusion.ddpm.LatentDiffusion",
    "params": {
      "linear_start": 0.00085, "linear_end": 0.012, "timesteps": 1000, "image_size": 8,
      "channels": 4, "conditioning_key": "crossattn", "scale_factor": 0.18215, "use_ema": false,
      "unet_config": {
        "target": "ldm.modules.diffusionmodules.openaimodel.UNetModel",
        "params": {"in_channels": 4, "out_channels": 4, "model_channels": 32,
                   "channel_mult": [1, 2], "num_res_blocks": 1, "attention_resolutions": [1, 2],
                   "num_heads": 4, "use_spatial_transformer": true, "transformer_depth": 1,
                   "context_dim": 32}},
      "first_stage_config": {
        "target": "ldm.models.autoencoder.AutoencoderKL",
        "params": {"embed_dim": 4,
                   "ddconfig": {"double_z": true, "z_channels": 4, "resolution": 64,
                                "in_channels": 3, "out_ch": 3, "ch": 32, "ch_mult": [1, 1, 1, 1],
                                "num_res_blocks": 1, "attn_resolutions": []}}},
      "cond_stage_config": {
        "target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder",
        "params": {"version": "clip"}}}}})");
}

/// The `params` at a path of sub-configs, to be changed: params_of(config, {"unet_config"}).
inline nlohmann::json& params_of(nlohmann::json& config,
                                 const std::vector<std::string>& path = {}) {
  nlohmann::json* params = &config["model"]["params"];
  for (const std::string& key : path) params = &(*params)[key]["params"];
  return *params;
}

/// Hugging Face's config.json of the small model's text tower.
inline nlohmann::json tiny_clip_config() {
  return {{"vocab_size", 49408},       {"hidden_size", 32},        {"intermediate_size", 64},
          {"num_hidden_layers", 1},    {"num_attention_heads", 4}, {"max_position_embeddings", 77},
          {"hidden_act", "quick_gelu"}};
}

/// Writes the config, and the folder of its text tower beside it; returns its path.
inline std::filesystem::path write_config(const TempFolder& folder, const nlohmann::json& config,
                                          const std::string& name = "model.yaml") {
  folder.write("clip/config.json", tiny_clip_config().dump(1));
  return folder.write(name, config.dump(1) + "\n");
}

}  // namespace sd::test
