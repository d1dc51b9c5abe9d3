#pragma once

#include <filesystem>
#include <string>

#include "models/model_source.h"
#include "weights/convert.h"

namespace sd::models {

/// Writes a model's networks in the reference's names to a new .safetensors or .ckpt file. Where
/// the model is not of Stable Diffusion v1's shape, NAME.yaml is written beside it, and NAME-clip/
/// with the config of its text encoder. Throws as `convert_checkpoint`, kFile where a name of those
/// is taken, and kCheckpoint for a weight that the source lacks, before anything is written.
/// (`options.ema` and `options.edits` are the source's.)
weights::ConvertResult write_one_file(const ModelSource& source, const std::string& path,
                                      const weights::ConvertOptions& options);

/// Writes it as diffusers' save_pretrained would, to a folder that is not there yet: configs and
/// safetensors; the tokenizer is left out. Throws kCheckpoint for what its configs cannot say.
weights::ConvertResult write_diffusers_folder(const ModelSource& source,
                                              const std::filesystem::path& folder,
                                              const weights::ConvertOptions& options);

/// The YAML of a config, with the reference's keys. `clip`: what its `version` says.
std::string yaml_of(const ModelConfig& config, const std::string& clip);

}  // namespace sd::models
