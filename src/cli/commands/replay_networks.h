#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/replay_inputs.h"
#include "job/embedding_folder.h"
#include "job/lora_folder.h"
#include "job/lora_hash.h"

namespace sd::cli {

/// The adapters and embeddings that a picture is drawn again with.
struct FoundNetworks {
  std::vector<LoraUse> loras = {};
  std::optional<std::vector<LoraUse>> hires_loras = {};
  /// Files of embeddings that are not in the folder under the words that the picture knows.
  std::map<std::string, std::string> embeddings = {};
  /// What is not as another program's record says.
  std::vector<std::string> differences = {};
};

/// Finds the adapters and embeddings of pictures, by name and by hash; looks through the folders
/// and reads each file once.
class NetworkFinder {
 public:
  explicit NetworkFinder(const ReplayOptions& options);

  /// Those of a picture; its record gets the hashes of adapters that another program's only names.
  /// Throws Error(kFile) where our own picture was drawn with others, or an adapter is not there.
  FoundNetworks find(ReplayInput* input);

 private:
  void find_named_loras(ReplayInput* input, FoundNetworks* found);
  void match_lora(const job::NamedHash& stated, FoundNetworks* found);
  std::string lora_file(const std::string& name) const;
  std::string lora_of_hash(const std::string& recorded);
  bool fits(const std::string& file, const std::string& recorded);
  std::vector<LoraUse> find_recorded(std::vector<LoraUse> uses,
                                     const std::vector<job::LoraHash>& hashes);
  bool find_embedding(const job::NamedHash& stated, FoundNetworks* found);
  std::string other_embedding(const job::NamedHash& stated);

  job::LoraFolder loras_;
  job::LoraHashes lora_hashes_;
  job::EmbeddingFolder embeddings_;
};

}  // namespace sd::cli
