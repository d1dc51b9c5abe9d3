#pragma once

#include <cstdint>
#include <filesystem>

#include "models/clip_vision.h"
#include "safety/clip_input.h"

namespace sd::safety {

/// What is to be known of a safety checker besides its weights. Defaults: that of Stable Diffusion
/// v1, a ViT-L/14.
struct SafetyConfig {
  models::ClipVisionConfig vision;
  int64_t projection_dim = 768;
  ClipInputConfig input;
};

/// The config of the safety checker whose weights are in the file `weights`: from config.json and
/// preprocessor_config.json in the same folder, each replaced by the default where it is absent.
/// Throws kCheckpoint, naming file and key, for one that is malformed or asks for something that
/// this program does not compute.
SafetyConfig read_safety_config(const std::filesystem::path& weights);

}  // namespace sd::safety
