#pragma once

#include "models/model_config.h"
#include "models/yaml_params.h"

/// A reader for each network of a config: what its `params` say, checked. They throw kCheckpoint,
/// naming the key, for what this program does not compute.
namespace sd::models {

UNetConfig read_unet_config(Params params);
AutoencoderConfig read_autoencoder_config(Params params);

/// Of the tower whose numbers lie in a folder beside the YAML file, unless they are those of
/// ViT-L/14.
ClipTextConfig read_clip_text_config(Params params, const std::filesystem::path& yaml);
/// The config.json of Hugging Face's CLIPTextModel.
ClipTextConfig read_clip_json(const std::filesystem::path& path);
BertTextConfig read_bert_text_config(Params params);

/// The config of a diffusers folder, from those of its parts.
ModelConfig read_diffusers_config(const std::filesystem::path& folder);

/// The config.json of CLIPTextModel.
std::string clip_json(const ClipTextConfig& config);

/// The configs of a diffusers folder: files of it, and what they say. Throws kCheckpoint for what
/// they have no words for.
using DiffusersConfigs = std::vector<std::pair<std::string, std::string>>;
DiffusersConfigs diffusers_configs(const ModelConfig& config);

/// The config.json of diffusers' AutoencoderKL; `scaling_factor` is what latents are multiplied by.
AutoencoderConfig read_diffusers_vae(const std::filesystem::path& path, double* scaling_factor);

}  // namespace sd::models
