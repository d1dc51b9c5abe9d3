#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "models/adapters/adapter_library.h"
#include "models/embeddings.h"
#include "sd/lora.h"

namespace sd::pipeline {

/// The embeddings that a text may name: those of a folder, and those in the files of the adapters
/// that its picture is drawn with. So what a word means hangs on the picture alone, and not on
/// which others a process has drawn.
class KnownEmbeddings {
 public:
  /// `width`: the text encoder's. What it is given must outlive it.
  KnownEmbeddings(const models::EmbeddingSet& of_folder, int64_t width,
                  models::AdapterLibrary* adapters)
      : of_folder_(of_folder), width_(width), adapters_(adapters), set_(of_folder) {}

  /// From now on they are those under these adapters; whether they have changed. What of a file is
  /// not used is said once. Throws as `open_adapter`.
  bool use(const std::vector<LoraUse>& loras);

  const models::EmbeddingSet& set() const { return set_; }

 private:
  const models::EmbeddingSet& of_folder_;
  int64_t width_;
  models::AdapterLibrary* adapters_;
  models::EmbeddingSet set_;
  std::vector<std::string> files_;  // of adapters that `set_` has embeddings of
  std::set<std::string> said_;
};

}  // namespace sd::pipeline
