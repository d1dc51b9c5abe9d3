#pragma once

#include "models/model_config.h"
#include "models/yaml_params.h"

/// A reader for each network of a config: what its `params` say, checked. They throw kCheckpoint,
/// naming the key, for what this program does not compute.
namespace sd {

UNetConfig read_unet_config(Params params);
AutoencoderConfig read_autoencoder_config(Params params);

/// `cond_stage_config` of the model: the family and its numbers. A CLIP tower's lie in a folder
/// beside the YAML file, unless they are those of ViT-L/14.
void read_text_config(Params& model, const std::filesystem::path& yaml, ModelConfig* config);

}  // namespace sd
