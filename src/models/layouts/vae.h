#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/model_source.h"

namespace sd::models {

/// How a file names the weights of an autoencoder of so many levels: as the reference does, with or
/// without "first_stage_model.", or as diffusers does or did until 2023.
weights::NameMap coder_names(const weights::Checkpoint& file, int64_t levels);

/// Puts an autoencoder in the place of the source's own: of a file or a folder, or with "taesd:"
/// before the path a TAESD (`take_taesd`). Throws kFile for what cannot be read, and kCheckpoint,
/// saying what it is, for what is no autoencoder for this model.
void take_vae(const std::string& vae, ModelSource* source);

/// Throws kCheckpoint, naming the tensors, for a coder's file without what the config asks for.
void require_coder(const ModelSource& source);

/// "taesd:".
extern const std::string_view kTaesdPrefix;

/// A TAESD: its decoder's file, which the encoder's lies beside ("decoder" in the one's name is
/// "encoder" in the other's), or a file or folder with both.
void take_taesd(const std::string& path, ModelSource* source);

}  // namespace sd::models
