#include "models/adapters/peft_scales.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "models/adapters/kinds/kinds.h"
#include "models/adapters/peft_limits.h"
#include "models/adapters/peft_patterns.h"

namespace sd::models {
namespace {

using nlohmann::json;
using Role = AdapterRole;

std::optional<double> number_in(const json& config, const std::string& key) {
  const auto found = config.find(key);
  if (found == config.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

bool is_true(const json& config, const std::string& key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_boolean() && found->get<bool>();
}

/// adapter_config.json beside the file, or null.
json config_beside(const std::string& path) {
  constexpr size_t kMostBytes = size_t{1} << 20;
  const auto config = std::filesystem::path(path).parent_path() / "adapter_config.json";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(config, ignored)) return {};
  std::string problem;
  const auto text = read_text_file(config, kMostBytes, &problem);
  return text && text->size() <= kMostBytes ? parse_json(*text) : json();
}

/// PEFT's versions, as far as their configs tell them apart.
enum class PeftAge { kBefore14, k14, kUnknown, kSince15 };

/// (0.18 is the first that writes its version. What is no config of PEFT's own counts as new.)
PeftAge age_of(const json& config, const std::string& prefix) {
  const auto has = [&](const char* key) { return config.contains(prefix + key); };
  if (!has("peft_type") || has("peft_version") || has("trainable_token_indices")) {
    return PeftAge::kSince15;
  }
  if (!has("exclude_modules")) return PeftAge::kBefore14;
  return has("lora_bias") ? PeftAge::k14 : PeftAge::kUnknown;
}

/// "unet." of "unet.down_blocks…": which of the configs in the header is meant.
std::string prefix_of(const std::string& layer) {
  for (const char* prefix : {"unet.", "text_encoder."}) {
    if (layer.starts_with(prefix)) return prefix;
  }
  return "";
}

/// What one network's config says of its layers.
class PeftConfig {
 public:
  PeftConfig(const json& config, const std::string& prefix, AdapterFile* file)
      : config_(config),
        prefix_(prefix),
        age_(age_of(config, prefix)),
        alphas_(config, prefix + "alpha_pattern", &file->faults),
        ranks_(config, prefix + "rank_pattern", &file->faults),
        faults_(file->faults),
        notes_(file->notes) {}

  void add_to(const std::string& layer, AdapterParts* parts) const {
    const std::string name = name_of(layer);
    if (parts->has(Role::kDown)) add_alpha(name, parts);
    if (parts->has(Role::kHadaW1A) || is_lokr(*parts)) add_scale(name, parts);
    if (parts->has(Role::kPeftOft)) add_turning(parts);
    if (parts->has(Role::kPeftOft) || parts->has(Role::kPeftBlocks)) add_limit(parts);
    if (parts->has(Role::kPeftBoft) && age_ == PeftAge::kBefore14) {
      add_number(Role::kInMemory, 1, parts);
    }
    if (parts->has(Role::kPeftIa3)) add_side(name, parts);
  }

 private:
  static bool is_lokr(const AdapterParts& parts) {
    return parts.has(Role::kLokrW1) || parts.has(Role::kLokrW1A);
  }

  /// The layer's name in its own network.
  std::string name_of(std::string_view layer) const {
    for (const std::string_view begin :
         {std::string_view(prefix_), std::string_view("base_model.model.")}) {
      if (layer.starts_with(begin)) layer.remove_prefix(begin.size());
    }
    return std::string(layer);
  }

  bool is_true(const char* key) const { return models::is_true(config_, prefix_ + key); }

  /// The number of a layer's pattern, else that of the key; tells where the patterns are at odds.
  std::optional<double> number(const std::optional<PatternMatch>& match, const char* key,
                               const std::string& layer) const {
    if (!match) return number_in(config_, prefix_ + key);
    if (!match->is_sure) note(layer, match->pattern);
    return match->value;
  }

  std::optional<double> alpha_of(const std::string& layer, const char* key,
                                 PatternBegin begin) const {
    return number(alphas_.find(layer, begin), key, layer);
  }

  /// PEFT once looked the patterns of ranks and of alphas up together: the alpha was that of the
  /// first pattern of both lists.
  std::optional<double> joint_alpha(const std::string& layer, const char* key,
                                    PatternBegin begin) const {
    const auto rank = ranks_.find(layer, begin);
    if (!rank) return alpha_of(layer, key, begin);
    const auto alpha = alphas_.value_of(rank->pattern);
    return alpha ? alpha : number_in(config_, prefix_ + key);
  }

  /// Of a LoRA: joint before 0.14; until 0.14 behind a dot (tuners/lora/model.py).
  std::optional<double> lora_alpha(const std::string& layer) const {
    if (age_ == PeftAge::kBefore14) {
      return joint_alpha(layer, "lora_alpha", PatternBegin::kBehindDot);
    }
    return alpha_of(layer, "lora_alpha",
                    age_ == PeftAge::k14 ? PatternBegin::kBehindDot : PatternBegin::kAnywhere);
  }

  /// Of a LoHa or LoKr: joint until 0.14 (tuners/lokr/model.py).
  std::optional<double> lycoris_alpha(const std::string& layer) const {
    const auto joint = joint_alpha(layer, "alpha", PatternBegin::kAnywhere);
    if (age_ == PeftAge::kBefore14) return joint;
    const auto alpha = alpha_of(layer, "alpha", PatternBegin::kAnywhere);
    if (age_ == PeftAge::kUnknown && alpha != joint) note(layer, "PEFT 0.15");
    return alpha;
  }

  /// One line for each config: the patterns do not say what the trainer had in mind.
  void note(const std::string& layer, const std::string& pattern) const {
    if (std::exchange(told_, true)) return;
    notes_.push_back("its patterns have more than one value for " + printable(layer, 80) +
                     " and other layers: as PEFT reads them, that of " + printable(pattern, 60) +
                     " counts");
  }

  static void add_number(Role role, double value, AdapterParts* parts) {
    parts->add(role, at::scalar_tensor(value, at::kDouble));
  }

  /// The alpha that gives the scale of PEFT: alpha / rank, or alpha / sqrt(rank) with rslora.
  void add_alpha(const std::string& layer, AdapterParts* parts) const {
    const auto shape = parts->shape(Role::kDown);
    if (is_true("use_dora") && !parts->has(Role::kMagnitude) && !parts->has(Role::kDoraScale)) {
      faults_.push_back("expected a lora_magnitude_vector of " + printable(layer, 80) +
                        ", as its config has use_dora, found none");
    }
    const auto alpha = lora_alpha(layer);
    if (!alpha || shape.empty() || parts->has(Role::kAlpha)) return;
    const double root = std::sqrt(static_cast<double>(shape[0]));
    add_number(Role::kAlpha, is_true("use_rslora") ? *alpha * root : *alpha, parts);
  }

  /// The rank of the tensors, else of the config (a LoKr may have two whole factors).
  std::optional<double> rank_of(const std::string& layer, const AdapterParts& parts) const {
    for (const AdapterKind* kind : {&kLohaKind, &kLohaTuckerKind, &kLokrKind}) {
      const int64_t rank = kind->is(parts) ? kind->rank(parts) : 0;
      if (rank > 0) return static_cast<double>(rank);
    }
    return number(ranks_.find(layer, PatternBegin::kAnywhere), "r", layer);
  }

  /// LoHa and LoKr: alpha / rank, whichever factors are whole. (0.13 and before do not scale a
  /// LoKr.)
  void add_scale(const std::string& layer, AdapterParts* parts) const {
    if (parts->has(Role::kAlpha)) return;
    const auto alpha = lycoris_alpha(layer), rank = rank_of(layer, *parts);
    if (!alpha || !rank || *rank <= 0) return;
    const bool scales = !is_lokr(*parts) || age_ != PeftAge::kBefore14;
    add_number(Role::kScale, scales ? *alpha / *rank : 1, parts);
  }

  /// By terms of Neumann's series unless the config says otherwise. (0.18 is the first that writes
  /// its version.)
  void add_turning(AdapterParts* parts) const {
    constexpr double kMostTerms = 64;
    const auto by_series = config_.find("use_cayley_neumann");
    const bool is_given = by_series != config_.end() && by_series->is_boolean();
    const double terms =
        number_in(config_, "num_cayley_neumann_terms").value_or(adapters::kUsualOftTerms);
    const bool is_exact = is_given && !by_series->get<bool>();
    add_number(Role::kOftTerms, is_exact ? 0 : std::clamp(std::floor(terms), 1.0, kMostTerms),
               parts);
    if (is_given && !config_.contains("peft_version")) add_number(Role::kOftTwice, 1, parts);
  }

  /// With `coft` a layer does not turn far.
  void add_limit(AdapterParts* parts) const {
    if (!is_true("coft")) return;
    add_number(Role::kOftLimit, number_in(config_, "eps").value_or(6e-5), parts);
  }

  /// IA3 multiplies the inputs of `feedforward_modules`, which are ends of names.
  void add_side(const std::string& layer, AdapterParts* parts) const {
    const auto modules = config_.find("feedforward_modules");
    if (modules == config_.end() || !modules->is_array()) return;
    const bool on_input = std::any_of(modules->begin(), modules->end(), [&](const json& one) {
      return one.is_string() && layer.ends_with(one.get_ref<const std::string&>());
    });
    add_number(Role::kOnInput, on_input ? 1 : 0, parts);
  }

  const json& config_;
  std::string prefix_;
  PeftAge age_;
  PeftPatterns alphas_, ranks_;
  std::vector<std::string>&faults_, &notes_;
  mutable bool told_ = false;
};

}  // namespace

void add_peft_scales(AdapterFile* file) {
  json config = parse_json(file->metadata("lora_adapter_metadata"));
  if (!config.is_object() && file->name().starts_with("adapter_model.")) {
    config = config_beside(file->path());
  }
  if (!config.is_object()) return;
  std::map<std::string, PeftConfig> by_prefix;
  for (auto& [layer, parts] : file->layers) {
    const std::string prefix = prefix_of(layer);
    const auto [place, is_new] = by_prefix.try_emplace(prefix, config, prefix, file);
    if (is_new) check_peft_config(config, prefix, file);
    place->second.add_to(layer, &parts);
  }
}

}  // namespace sd::models
