#include "models/adapters/layer_names.h"

#include <algorithm>

#include "models/latent_diffusion.h"
#include "weights/name_maps/name_maps.h"

namespace sd::models {
namespace {

bool cut(std::string_view* text, std::string_view begin) {
  if (!text->starts_with(begin)) return false;
  text->remove_prefix(begin.size());
  return true;
}

bool cut_end(std::string* text, std::string_view end) {
  if (!text->ends_with(end)) return false;
  text->resize(text->size() - end.size());
  return true;
}

std::string flat(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '.', '_');
  return result;
}

/// What may stand before a layer's name, whichever network it is of.
constexpr std::string_view kWrappers[] = {
    "base_model_model_", "base_model_", "lora_",      "lycoris_", "oft_", "boft_", "glora_",
    "module_",           "model_lora_", "_orig_mod_",
};

/// The name without what stands before it, however often.
std::string_view without_wrappers(std::string_view name) {
  for (bool again = true; again;) {
    again = std::any_of(std::begin(kWrappers), std::end(kWrappers),
                        [&](std::string_view wrapper) { return cut(&name, wrapper); });
  }
  return name;
}

/// What says which network a layer is of.
struct NetworkPrefix {
  std::string_view begin;
  bool is_text;
};

constexpr NetworkPrefix kParts[] = {
    {"unet_", false},
    {"model_diffusion_model_", false},
    {"diffusion_model_", false},
    {"te_", true},
    {"te1_", true},
    {"text_encoder_", true},
    {"text_encoder1_", true},
    {"text_encoders_clip_l_transformer_", true},
    {"clip_l_transformer_", true},
    {"clip_l_", true},
    {"cond_stage_model_transformer_", true},
    {"cond_stage_model_", true},
    {"transformer_", true},  // what the web UI calls the text tower
};

/// The other names that the end of a layer's name goes by.
struct Alias {
  std::string_view end, other;
};

constexpr Alias kAliases[] = {
    {".to_out.0", ".to_out"},  // an attention processor's
    {".self_attn.q_proj", ".self_attn.to_q"},
    {".self_attn.k_proj", ".self_attn.to_k"},
    {".self_attn.v_proj", ".self_attn.to_v"},
    {".self_attn.out_proj", ".self_attn.to_out"},
};

}  // namespace

LayerNames::LayerNames(const ModelConfig& config) {
  std::unordered_map<std::string, size_t> known;
  for (auto& [name, shape] : wanted_tensors(config)) {
    std::string layer = name;
    const bool is_bias = cut_end(&layer, ".bias");
    if (!is_bias && !cut_end(&layer, ".weight")) continue;
    const bool is_text = layer.starts_with(weights::kTextPrefix);
    if (!is_text && !layer.starts_with(weights::kUnetPrefix)) continue;
    const auto [place, is_new] = known.emplace(layer, layers_.size());
    if (is_new) layers_.push_back({layer, "", is_text, {}, {}});
    (is_bias ? layers_[place->second].bias : layers_[place->second].weight) = shape;
  }
  for (size_t i = 0; i < layers_.size(); ++i) add_names(i, config.unet.num_res_blocks);
}

void LayerNames::add_names(size_t place, int64_t res_blocks) {
  AdaptedLayer& layer = layers_[place];
  // The maps know names that go on behind the layer's.
  layer.diffusers = layer.is_text
                        ? weights::diffusers_text_name(layer.name + ".weight")
                        : weights::diffusers_unet_name(layer.name + ".weight", res_blocks);
  cut_end(&layer.diffusers, ".weight");
  Places& places = layer.is_text ? text_ : unet_;
  std::string_view own = layer.name;
  cut(&own, layer.is_text ? weights::kTextPrefix : weights::kUnetPrefix);
  places.emplace(flat(own), place);
  places.emplace(flat(layer.diffusers), place);
  std::string_view tower = layer.diffusers;  // until 2022 transformers had no text_model
  if (layer.is_text && cut(&tower, "text_model.")) places.emplace(flat(tower), place);
  for (const Alias& alias : kAliases) {
    std::string other = layer.diffusers;
    if (cut_end(&other, alias.end)) places.emplace(flat(other.append(alias.other)), place);
  }
}

const AdaptedLayer* LayerNames::find_in(const Places& places, const std::string& name) const {
  const auto found = places.find(name);
  return found == places.end() ? nullptr : &layers_[found->second];
}

const AdaptedLayer* LayerNames::find(std::string_view spelled) const {
  const std::string name = flat(spelled);
  const std::string_view rest = without_wrappers(name);
  for (const NetworkPrefix& part : kParts) {
    std::string_view within = rest;
    if (!cut(&within, part.begin)) continue;
    const AdaptedLayer* layer =
        find_in(part.is_text ? text_ : unet_, std::string(without_wrappers(within)));
    if (layer != nullptr) return layer;
  }
  const AdaptedLayer* of_unet = find_in(unet_, std::string(rest));
  return of_unet != nullptr ? of_unet : find_in(text_, std::string(rest));
}

}  // namespace sd::models
