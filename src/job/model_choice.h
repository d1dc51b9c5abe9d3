#pragma once

#include "job/settings.h"
#include "sd/request.h"

namespace sd::job {

/// The files of the model that a run uses, and what is known of it before its weights are read.
struct ChosenModel {
  ModelPaths paths;
  ModelDescription description;
  bool built_in = false;
  std::string note;  ///< what the user should know of the choice, or empty
};

/// Finds the checkpoint and its config: what was given; else the reference's default place, from
/// the working directory or the program's folder; else the model that comes with the program.
/// Throws kFile if a file that was given, or everything, is absent.
ChosenModel choose_model(const Settings& options);

/// Whether `choose_model` takes the model that comes with the program.
bool takes_built_in(const Settings& options);

/// What `vae` says for the checkpoint's own autoencoder.
inline constexpr const char* kOwnVae = "none";

/// The model that comes with the program, with an autoencoder of its own or another. Throws kFile
/// if it was left out.
ChosenModel built_in_model(const std::string& vae = "");

}  // namespace sd::job
