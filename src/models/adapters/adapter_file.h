#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/adapters/parts.h"
#include "weights/checkpoint.h"

namespace sd::models {

/// An adapter as its file has it, before it is fitted to a model.
struct AdapterFile {
  std::shared_ptr<const weights::Checkpoint> checkpoint;
  std::map<std::string, AdapterParts> layers;  ///< by the file's own names of them
  std::vector<std::string> strange;            ///< names that are no adapter's
  std::vector<std::string> second;             ///< names of what another name has given already
  std::vector<std::string> faults;             ///< what of its config cannot be followed
  std::vector<std::string> notes;              ///< what of it the user should know
  /// Embeddings that lie beside it: `bundle_emb.NAME.string_to_param.*`, or `<NAME>`.
  std::map<std::string, at::Tensor> embeddings;

  const std::string& path() const { return checkpoint->path(); }
  /// What the file's header says under this name; "" where it says nothing.
  std::string metadata(const std::string& name) const;
  /// The path's last part.
  std::string name() const;
};

/// Whether a name is one that only adapters have: a look that reads no tensor.
bool may_be_adapter(const std::vector<weights::TensorInfo>& tensors);

/// What an opened file holds; without a layer where the file has none.
AdapterFile sort_adapter(std::shared_ptr<const weights::Checkpoint> checkpoint);

/// "LoRA rank 8; 192 layers, 72 of them of the text encoder; trained on …": what a file holds,
/// whatever model it is for; "" for one that is no adapter.
std::string describe_adapter(const AdapterFile& file);

/// Reads the names and places of an adapter's tensors: .safetensors, or a pickle of a dict, or of
/// the list that cloneofsimo's trainer wrote. Throws kFile for a file that cannot be read, and
/// kCheckpoint for one that is damaged, has no name of an adapter's (with what it is), has two
/// tensors for the same part of a layer, or a config that asks for more than this program does.
AdapterFile read_adapter(const std::string& path);

}  // namespace sd::models
