#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model_config.h"
#include "sd/options.h"
#include "weights/part_source.h"

namespace sd::models {

/// Where the parts of a model come from, and what its config says of them.
struct ModelSource {
  std::string path;  ///< what the user gave, for messages
  ModelConfig config;
  bool ema = false;           ///< whether the UNet's weights are the averaged ones
  weights::PartSource text;   ///< scope "cond_stage_model"
  weights::PartSource unet;   ///< scope "model.diffusion_model"
  weights::PartSource coder;  ///< scope "first_stage_model"
  weights::PartSource
      whole;  ///< scope "": what is stored beside the networks, such as the schedule

  /// The type that most of a part's numbers have in their file.
  at::ScalarType stored_type(const weights::PartSource& part) const;

  /// Takes the files' pages out of this process's memory; the next read brings them back.
  void release_memory() const;
};

/// The files of a model, opened: their indexes are read, no weight is. The config is read unless it
/// is given. Throws kFile for a file that cannot be read, kCheckpoint for one that is damaged or is
/// no model, and where averaged weights are wanted and there are none.
ModelSource open_model(const ModelPaths& paths,
                       std::shared_ptr<const ModelConfig> config = nullptr);

/// Reads the config of the model.
ModelConfig config_of(const ModelPaths& paths);

/// The channels that the UNet in a file reads: 9 are a model that inpaints. 0 where that cannot be
/// told.
int64_t input_channels(const std::string& checkpoint);

/// The file whose hash stands for the model: that of the checkpoint, or of a folder's UNet.
std::string main_file_of(const ModelPaths& paths);

/// A file of a model, and what it is: "text_encoder", "scheduler_config".
struct ModelFile {
  std::string part;
  std::string path;
};

/// The files that decide what the model draws beside its main file, a YAML file and an autoencoder
/// that was given: a folder's other networks and its configs.
std::vector<ModelFile> other_files_of(const ModelPaths& paths);

/// The path in what was given for an autoencoder (`ModelPaths::vae`).
std::string vae_path(const std::string& vae);

/// The file whose hash stands for an autoencoder that was given (`ModelPaths::vae`).
std::string main_vae_file(const std::string& vae);

/// A model in one file.
ModelSource one_file_source(const std::shared_ptr<const weights::Checkpoint>& file,
                            const ModelConfig& config, WeightChoice weights);

/// A model of this config without a weight, to be planned or looked through: everything that its
/// networks ask for is missing.
ModelSource shapes_of(const ModelConfig& config);

}  // namespace sd::models
