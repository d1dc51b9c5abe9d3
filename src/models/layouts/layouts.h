#pragma once

#include "models/model_source.h"

/// The ways in which the files of a model lie. `open_model` takes the first row of its table that
/// recognises the paths.
namespace sd::models {

struct Layout {
  const char* name;
  bool (*recognise)(const ModelPaths& paths);
  ModelConfig (*read_config)(const ModelPaths& paths);
  ModelSource (*open)(const ModelPaths& paths, const ModelConfig& config);
  /// The file whose hash stands for the model.
  std::string (*main_file)(const ModelPaths& paths);
  /// As `other_files_of`.
  std::vector<ModelFile> (*other_files)(const ModelPaths& paths);
};

/// A .ckpt or .safetensors file of the original training program, with a YAML file.
extern const Layout kOneFileLayout;

/// A folder that diffusers' save_pretrained wrote, with its own configs or a YAML file.
extern const Layout kDiffusersFolderLayout;

}  // namespace sd::models
