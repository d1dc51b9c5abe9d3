#include "models/adapters/peft_scales.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "base/json.h"
#include "base/text_file.h"
#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using nlohmann::json;

/// The number under the longest end of the layer's name that the object has; an end begins behind a
/// dot. (Not pattern by pattern: a file may have as many of them as layers.)
std::optional<double> value_of_end(const json& patterns, std::string_view layer) {
  for (std::string_view end = layer;;) {
    const auto found = patterns.find(end);
    if (found != patterns.end() && found->is_number()) return found->get<double>();
    const size_t dot = end.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    end.remove_prefix(dot + 1);
  }
}

/// Of a layer: the value of `key`, or that of the pattern that the layer's name ends in.
std::optional<double> value_for(const json& config, const std::string& key,
                                const std::string& patterns, const std::string& layer) {
  const auto all = config.find(patterns);
  if (all != config.end() && all->is_object()) {
    if (const auto value = value_of_end(*all, layer)) return value;
  }
  const auto found = config.find(key);
  if (found == config.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

bool is_true(const json& config, const std::string& key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_boolean() && found->get<bool>();
}

/// The alpha that gives the scale of PEFT: alpha / rank, or alpha / sqrt(rank) with rslora.
std::optional<double> alpha_of(const json& config, const std::string& prefix,
                               const std::string& layer, int64_t rank) {
  const auto alpha = value_for(config, prefix + "lora_alpha", prefix + "alpha_pattern", layer);
  if (!alpha) return std::nullopt;
  const bool by_root = is_true(config, prefix + "use_rslora");
  return by_root ? *alpha * std::sqrt(static_cast<double>(rank)) : *alpha;
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

/// How PEFT's OFTConfig says that a layer turns: by terms of Neumann's series unless it says
/// otherwise, and with `coft` not far.
void add_oft_numbers(const json& config, AdapterParts* parts) {
  constexpr double kMostTerms = 64;
  const auto by_series = config.find("use_cayley_neumann");
  const bool is_exact = by_series != config.end() && by_series->is_boolean() && !*by_series;
  const auto terms = value_for(config, "num_cayley_neumann_terms", "", "");
  const double in_series = std::clamp(terms.value_or(adapters::kUsualOftTerms), 1.0, kMostTerms);
  parts->add(AdapterRole::kOftTerms, at::scalar_tensor(is_exact ? 0 : in_series));
  if (!is_true(config, "coft")) return;
  parts->add(AdapterRole::kOftLimit,
             at::scalar_tensor(value_for(config, "eps", "", "").value_or(6e-5), at::kDouble));
}

}  // namespace

void add_peft_scales(AdapterFile* file) {
  json config = parse_json(file->metadata("lora_adapter_metadata"));
  if (!config.is_object() && file->name().starts_with("adapter_model.")) {
    config = config_beside(file->path());
  }
  if (!config.is_object()) return;
  for (auto& [layer, parts] : file->layers) {
    if (parts.has(AdapterRole::kPeftOft)) add_oft_numbers(config, &parts);
    if (!parts.has(AdapterRole::kDown) || parts.has(AdapterRole::kAlpha)) continue;
    const auto shape = parts.shape(AdapterRole::kDown);
    if (shape.empty()) continue;
    if (const auto alpha = alpha_of(config, prefix_of(layer), layer, shape[0])) {
      parts.add(AdapterRole::kAlpha, at::scalar_tensor(*alpha, at::kDouble));
    }
  }
}

}  // namespace sd::models
