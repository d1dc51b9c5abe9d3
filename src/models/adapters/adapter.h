#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/adapters/adapter_file.h"
#include "models/adapters/kinds/kinds.h"
#include "models/adapters/layer_names.h"
#include "weights/part_source.h"

namespace sd::models {

/// How much of an adapter is applied.
struct AdapterStrength {
  double unet = 1;
  double text = 1;
  std::optional<int64_t> rank = {};  ///< of a LoRA: so many of its first ranks; all where not given
};

/// An adapter that is fitted to a model. Immutable.
class Adapter {
 public:
  /// What it does to one layer.
  struct Module {
    AdaptedLayer layer;
    AdapterParts parts;
    const AdapterKind* kind = nullptr;  ///< null: the weight stays, the bias changes
    /// Of the weight's inputs, the first so many are meant; 0: all. (A plain model's adapter fits
    /// the first convolution of an inpainting model, too.)
    int64_t inputs = 0;
  };

  /// Throws kCheckpoint if no layer fits, with what the file is for, and if two entries of the file
  /// are for the same layer.
  Adapter(AdapterFile file, const LayerNames& names);

  const AdapterFile& file() const { return file_; }
  const std::vector<Module>& modules() const { return modules_; }
  /// Layers of the file that the model does not have, by the file's names, and other names.
  const std::vector<std::string>& unmatched() const { return unmatched_; }
  /// Layers of the model that it has in another shape or with unusable numbers, and what is wrong.
  const std::vector<std::string>& misfits() const { return misfits_; }

  /// What it does to a layer; null: nothing.
  const Module* find(std::string_view layer) const;

  /// "style.safetensors: applied 192 of 192 layers, LoRA rank 8, trained on sd_v1".
  std::string summary() const;
  /// "LoRA rank 8, LoKr".
  std::string kinds() const;

 private:
  void add(const std::string& spelled, const AdapterParts& parts, const AdaptedLayer& layer);

  AdapterFile file_;
  std::vector<Module> modules_;
  std::map<std::string, size_t, std::less<>> by_layer_;
  std::vector<std::string> unmatched_;
  std::vector<std::string> misfits_;
};

/// Opens an adapter and fits it to a model.
std::shared_ptr<const Adapter> open_adapter(const std::string& path, const LayerNames& names);

/// The edit that adds an adapter to the weights of a model. Edits of several adapters are made one
/// after the other: kinds that read the weight (IA3, GLoRA, OFT, DoRA) read what earlier ones left.
weights::WeightEdit adapter_edit(std::shared_ptr<const Adapter> adapter,
                                 const AdapterStrength& strength);

}  // namespace sd::models
