#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>

namespace sd::models {

/// What a picture of the web UI's training carries.
struct EmbeddingCard {
  std::string name;  ///< empty: none
  at::Tensor vectors;
};

/// Reads the embedding of a picture: base64 in the PNG text "sd-ti-embedding", else deflated in the
/// lower half of the pixels beside two black columns (modules/textual_inversion/image_embedding.py
/// of the web UI). Nothing if the picture carries none. Throws Error(kFile) if it cannot be read,
/// Error(kCheckpoint) if what it carries is damaged.
std::optional<EmbeddingCard> read_embedding_card(const std::filesystem::path& file);

}  // namespace sd::models
