#pragma once

#include <memory>
#include <string>
#include <vector>

#include "job/init_image.h"
#include "job/model_choice.h"
#include "job/picture_record.h"

namespace sd::cli {

struct ReplayOptions {
  std::vector<std::string> files;
  std::string ckpt;
  std::string config;
  std::string models = "models";
  std::string embeddings;
  std::string vae;
  std::string init_img;
  std::string mask;
  std::string lora_dir = Settings().lora_dir;
  std::string out;
  bool approximately = false;
  bool json = false;
};

/// A picture to draw again.
struct ReplayInput {
  job::PictureRecord record;
  bool foreign = false;                    ///< of another program
  std::string model_hash = {};             ///< what that program's record says
  std::vector<std::string> cannot = {};    ///< what keeps that program's picture from being drawn
  std::string vae_hash = {};               ///< what that record says of the autoencoder's
  std::vector<job::NamedHash> loras = {};  ///< what that record says of the hashes of adapters
  std::vector<job::NamedHash> embeddings = {};  ///< and of the embeddings that were used
};

/// Reads a picture's record, whoever wrote it. Throws Error(kFile) where it has none, or one that
/// cannot be drawn; another program's also where something of it is not supported, unless
/// `approximately` is set: then that is said.
ReplayInput read_input(const std::string& file, const ReplayOptions& options);

/// Says what of another program's picture is drawn otherwise. Throws Error(kFile), naming it, where
/// there is anything and `approximately` is not set.
void say_differences(const std::string& file, const ReplayOptions& options,
                     const std::vector<std::string>& reasons);

/// The model of the record, if it can be found, or what was given by hand.
job::ChosenModel find_model(const ReplayOptions& options, const ReplayInput& input);

/// Throws Error(kCheckpoint) unless it is the model that drew our own picture, with its
/// autoencoder. Returns the checkpoint's SHA-256.
std::string check_model(const ModelPaths& model, const ReplayInput& input);

/// The picture that the record's run started from, and what of it was drawn.
job::InitPicture find_init_image(const ReplayOptions& options, const ReplayInput& input,
                                 const ModelDescription& model);

}  // namespace sd::cli
