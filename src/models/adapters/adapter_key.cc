#include "models/adapters/adapter_key.h"

namespace sd::models {
namespace {

struct Ending {
  std::string_view text;
  AdapterRole role;
};

/// How names end, without a ".weight" behind it.
constexpr Ending kEndings[] = {
    // kohya-ss/sd-scripts networks/lora.py, LyCORIS
    {".lora_down", AdapterRole::kDown},
    {".lora_up", AdapterRole::kUp},
    {".lora_mid", AdapterRole::kMid},
    {".alpha", AdapterRole::kAlpha},
    {".scale", AdapterRole::kScale},
    {".dora_scale", AdapterRole::kDoraScale},
    {".hada_w1_a", AdapterRole::kHadaW1A},
    {".hada_w1_b", AdapterRole::kHadaW1B},
    {".hada_w2_a", AdapterRole::kHadaW2A},
    {".hada_w2_b", AdapterRole::kHadaW2B},
    {".hada_t1", AdapterRole::kHadaT1},
    {".hada_t2", AdapterRole::kHadaT2},
    {".lokr_w1", AdapterRole::kLokrW1},
    {".lokr_w1_a", AdapterRole::kLokrW1A},
    {".lokr_w1_b", AdapterRole::kLokrW1B},
    {".lokr_w2", AdapterRole::kLokrW2},
    {".lokr_w2_a", AdapterRole::kLokrW2A},
    {".lokr_w2_b", AdapterRole::kLokrW2B},
    {".lokr_t2", AdapterRole::kLokrT2},
    {".on_input", AdapterRole::kOnInput},
    {".diff", AdapterRole::kDiff},
    {".diff_b", AdapterRole::kDiffBias},
    {".w_norm", AdapterRole::kNormWeight},
    {".b_norm", AdapterRole::kNormBias},
    {".a1", AdapterRole::kGloraA1},
    {".a2", AdapterRole::kGloraA2},
    {".b1", AdapterRole::kGloraB1},
    {".b2", AdapterRole::kGloraB2},
    {".oft_blocks", AdapterRole::kOftBlocks},
    {".oft_diag", AdapterRole::kOftDiag},
    {".rescale", AdapterRole::kRescale},
    // PEFT, and diffusers since it uses PEFT
    {".lora_A", AdapterRole::kDown},
    {".lora_B", AdapterRole::kUp},
    {".lora_B.bias", AdapterRole::kUpBias},
    {".lora_embedding_A", AdapterRole::kUp},  // of an embedding, on their sides
    {".lora_embedding_B", AdapterRole::kDown},
    {".lora_E", AdapterRole::kSingular},
    {".lora_magnitude_vector", AdapterRole::kMagnitude},
    {".ia3_l", AdapterRole::kPeftIa3},
    {".oft_R", AdapterRole::kPeftOft},
    {".oft_R.scaled_oft", AdapterRole::kOftScaled},
    {".oft_r", AdapterRole::kPeftBlocks},
    {".oft_s", AdapterRole::kPeftLengths},
    {".boft_R", AdapterRole::kPeftBoft},
    {".boft_s", AdapterRole::kPeftLengths},
    {".ln_tuning_layers", AdapterRole::kWhole},
    {".ln_tuning_layers.bias", AdapterRole::kWholeBias},
    // diffusers in 2023: attention processors, then layers of their own
    {"_lora.down", AdapterRole::kDown},
    {"_lora.up", AdapterRole::kUp},
    {".lora.down", AdapterRole::kDown},
    {".lora.up", AdapterRole::kUp},
    {".lora_layer.down", AdapterRole::kDown},
    {".lora_layer.up", AdapterRole::kUp},
    {".lora_linear_layer.down", AdapterRole::kDown},
    {".lora_linear_layer.up", AdapterRole::kUp},
    // cloneofsimo/lora: "unet:12:up"
    {":down", AdapterRole::kDown},
    {":up", AdapterRole::kUp},
};

bool cut_end(std::string_view* text, std::string_view end) {
  if (!text->ends_with(end)) return false;
  text->remove_suffix(end.size());
  return true;
}

std::optional<AdapterKey> split_plain(std::string_view name) {
  for (const Ending& ending : kEndings) {
    std::string_view layer = name;
    if (cut_end(&layer, ending.text) && !layer.empty()) {
      return AdapterKey{std::string(layer), ending.role};
    }
  }
  return std::nullopt;
}

/// Without the attention processor's own name in it: "attn1.processor.to_q" is attn1's to_q.
std::string without_processor(const std::string& layer) {
  constexpr std::string_view kProcessor = ".processor.";
  const size_t at = layer.rfind(kProcessor);
  if (at == std::string::npos) return layer;
  return layer.substr(0, at + 1) + layer.substr(at + kProcessor.size());
}

/// A layer that PEFT trained beside its adapters (`modules_to_save`, `bias`), by its new values.
std::optional<AdapterKey> split_whole(std::string_view name) {
  if (!name.starts_with("base_model.model.")) return std::nullopt;
  for (const Ending& ending :
       {Ending{".base_layer.bias", AdapterRole::kWholeBias},
        Ending{".base_layer.weight", AdapterRole::kWhole}, Ending{".bias", AdapterRole::kWholeBias},
        Ending{".weight", AdapterRole::kWhole}}) {
    std::string_view layer = name;
    if (cut_end(&layer, ending.text)) return AdapterKey{std::string(layer), ending.role};
  }
  return std::nullopt;
}

}  // namespace

std::string_view word_of(AdapterRole role) {
  if (role == AdapterRole::kIa3 || role == AdapterRole::kWhole) return "weight";
  if (role == AdapterRole::kWholeBias) return "bias";
  for (const Ending& ending : kEndings) {
    if (ending.role == role) return ending.text.substr(1);
  }
  return "";
}

std::optional<AdapterKey> split_adapter_key(std::string_view name) {
  std::string_view rest = name;
  const bool is_weight = cut_end(&rest, ".weight");
  std::optional<AdapterKey> key = split_plain(rest);
  if (!key) {  // PEFT may put the adapter's own name at the end
    const size_t dot = rest.rfind('.');
    const bool is_bias = dot != std::string_view::npos && rest.substr(dot) == ".bias";
    if (dot != std::string_view::npos && !is_bias) key = split_plain(rest.substr(0, dot));
    const bool of_peft = name.find(".lora_") != std::string_view::npos ||
                         name.find(".oft_R.") != std::string_view::npos;
    if (!of_peft) key.reset();
  }
  if (!key) key = split_whole(name);
  if (!key && is_weight && !rest.empty()) key = AdapterKey{std::string(rest), AdapterRole::kIa3};
  if (key) key->layer = without_processor(key->layer);
  return key;
}

}  // namespace sd::models
