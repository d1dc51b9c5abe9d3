#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "text/chunks.h"

namespace sd::models {

/// A textual inversion: vectors that stand for a word.
struct TextEmbedding {
  std::string name;
  at::Tensor vectors;  ///< [n, width] f32, 1 <= n <= 75
  std::filesystem::path file;
};

/// A file that holds no embedding for this model.
struct SkippedEmbedding {
  std::filesystem::path file;
  std::string reason;
};

struct EmbeddingSet {
  std::vector<TextEmbedding> embeddings;  ///< sorted by name, each name once
  std::vector<SkippedEmbedding> skipped;

  std::vector<text::EmbeddingName> names() const;
};

/// The embeddings in a folder and those below it: .pt and .bin of torch.save (the web UI's and
/// diffusers' layouts), .safetensors, and pictures that carry one. A word is its file's name
/// without the extension, or what a picture calls it; of two, the last file counts. `width` is the
/// text encoder's; 0 takes any. No pickle is run: a file that names anything unusual is skipped, as
/// is whatever cannot be used, with the reason. Pictures without an embedding are passed over.
/// Throws Error(kFile) if the folder cannot be read.
EmbeddingSet load_embeddings(const std::filesystem::path& folder, int64_t width);

/// The folder that a run reads: the given one, else models/embeddings where that is a folder, else
/// none, which is "".
std::string find_embeddings_folder(const std::string& given);

/// Adds embeddings that lie in one file beside other tensors, by their words, to the set, checked
/// as those of files of their own: what cannot be used is skipped. A word that the set knows stays.
void add_embeddings(const std::map<std::string, at::Tensor>& stored,
                    const std::filesystem::path& file, int64_t width, EmbeddingSet* set);

/// Puts the embedding of a file into the set under that word, in place of what the set has by it.
/// Throws Error(kFile, kCheckpoint) where the file holds none for a text encoder of that width.
void put_embedding(const std::string& name, const std::filesystem::path& file, int64_t width,
                   EmbeddingSet* set);

/// Whether a file's name ends like one that may hold an embedding.
bool may_hold_embedding(const std::filesystem::path& file);

}  // namespace sd::models
