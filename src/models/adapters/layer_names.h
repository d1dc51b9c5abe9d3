#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/model_config.h"

namespace sd::models {

/// A layer of a model that an adapter may change.
struct AdaptedLayer {
  std::string name;       ///< of the reference: "model.diffusion_model.input_blocks.1.1.proj_in"
  std::string diffusers;  ///< the name in diffusers: "down_blocks.0.attentions.0.proj_in"
  bool is_text;           ///< of the text encoder; else of the UNet
  std::vector<int64_t> weight;  ///< its shape
  std::vector<int64_t> bias;    ///< empty: it has none
};

/// Finds the layers of a model by the names that programs for training adapters give them. Blocks
/// are counted as the model's config says.
class LayerNames {
 public:
  explicit LayerNames(const ModelConfig& config);

  /// The layer of a name in any known spelling: kohya's "lora_unet_…", "lora_te_…" and
  /// "lora_te1_…", LyCORIS' "lycoris_…", those of diffusers and PEFT with and without "unet.", and
  /// the reference's own. Null: this model has none of that name.
  const AdaptedLayer* find(std::string_view spelled) const;

  /// All, in the order in which the networks ask for them.
  const std::vector<AdaptedLayer>& layers() const { return layers_; }

 private:
  using Places = std::unordered_map<std::string, size_t>;

  void add_names(size_t place, int64_t res_blocks);
  const AdaptedLayer* find_in(const Places& places, const std::string& name) const;

  std::vector<AdaptedLayer> layers_;
  Places unet_;  // names with "_" in place of "."
  Places text_;
};

}  // namespace sd::models
