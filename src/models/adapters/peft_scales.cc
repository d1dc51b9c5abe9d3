#include "models/adapters/peft_scales.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "models/adapters/kinds/kinds.h"
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
  PeftConfig(const json& config, const std::string& prefix, std::vector<std::string>* faults)
      : config_(config),
        prefix_(prefix),
        alphas_(config, prefix + "alpha_pattern", faults),
        ranks_(config, prefix + "rank_pattern", faults),
        faults_(*faults) {}

  void add_to(const std::string& layer, AdapterParts* parts) const {
    const std::string name = name_of(layer);
    if (parts->has(Role::kDown)) add_alpha(name, parts);
    if (parts->has(Role::kHadaW1A) || is_lokr(*parts)) add_scale(name, parts);
    if (parts->has(Role::kPeftOft)) add_turning(parts);
    if (parts->has(Role::kPeftOft) || parts->has(Role::kPeftBlocks)) add_limit(parts);
    if (parts->has(Role::kPeftIa3)) add_side(name, parts);
  }

 private:
  static bool is_lokr(const AdapterParts& parts) {
    return parts.has(Role::kLokrW1) || parts.has(Role::kLokrW1A);
  }

  /// The layer's name in its own network.
  std::string name_of(std::string_view layer) const {
    for (const std::string_view begin :
         {std::string_view("base_model.model."), std::string_view(prefix_)}) {
      if (layer.starts_with(begin)) layer.remove_prefix(begin.size());
    }
    return std::string(layer);
  }

  bool is_true(const char* key) const { return models::is_true(config_, prefix_ + key); }

  std::optional<double> number(const PeftPatterns& patterns, const char* key,
                               const std::string& layer) const {
    const auto value = patterns.value_for(layer);
    return value ? value : number_in(config_, prefix_ + key);
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
    const auto alpha = number(alphas_, "lora_alpha", layer);
    if (!alpha || shape.empty() || parts->has(Role::kAlpha)) return;
    const double root = std::sqrt(static_cast<double>(shape[0]));
    add_number(Role::kAlpha, is_true("use_rslora") ? *alpha * root : *alpha, parts);
  }

  /// LoHa and LoKr: alpha / rank, whichever factors are whole. (0.13 and before, whose configs have
  /// no `exclude_modules`, do not scale a LoKr.)
  void add_scale(const std::string& layer, AdapterParts* parts) const {
    const auto alpha = number(alphas_, "alpha", layer), rank = number(ranks_, "r", layer);
    if (!alpha || !rank || *rank <= 0 || parts->has(Role::kAlpha)) return;
    const bool scales = !is_lokr(*parts) || config_.contains("exclude_modules");
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
  PeftPatterns alphas_, ranks_;
  std::vector<std::string>& faults_;
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
    const auto place = by_prefix.try_emplace(prefix, config, prefix, &file->faults).first;
    place->second.add_to(layer, &parts);
  }
}

}  // namespace sd::models
