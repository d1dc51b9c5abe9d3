#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "models/adapters/adapter.h"
#include "models/adapters/adapter_purpose.h"
#include "models/model_source.h"
#include "sd/lora.h"

namespace sd::models {

/// The adapters that a model is drawn with, each opened once. Safe to use from several threads.
class AdapterLibrary {
 public:
  explicit AdapterLibrary(const ModelConfig& config) : config_(config) {}

  /// The adapter of a file, fitted to the model. Where it is opened, says what of it applies and,
  /// as a detail, what fits nothing. Throws as `open_adapter`.
  std::shared_ptr<const Adapter> get(const std::string& file);

  /// Says how an adapter wants to be drawn with, once, if pictures are drawn otherwise. Throws as
  /// `get`.
  void advise(const std::string& file, const DrawnWith& drawn);

  /// The source with the adapters' edits after its own.
  ModelSource adapted(const ModelSource& source, const std::vector<LoraUse>& uses);

  /// Whether a network's weights are changed: the text encoder's, or the UNet's.
  bool changes(bool text, const std::vector<LoraUse>& uses);

  /// The bytes of all weights that are changed, where a value takes `item` bytes.
  int64_t changed_bytes(const std::vector<LoraUse>& uses, int64_t item);

 private:
  std::shared_ptr<const Adapter> open(const std::string& file);

  const ModelConfig config_;
  std::mutex mutex_;
  std::unique_ptr<const LayerNames> names_;  // made when it is asked for
  std::map<std::string, std::shared_ptr<const Adapter>> known_;
  std::set<std::string> advised_;  // files
};

}  // namespace sd::models
