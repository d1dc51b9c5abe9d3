#include "models/adapters/adapter.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/strings.h"
#include "models/adapters/adapter_purpose.h"
#include "models/adapters/counted_kinds.h"
#include "models/adapters/counted_layers.h"
#include "sd/error.h"

namespace sd::models {
namespace {

using Role = AdapterRole;

const AdapterKind* choose_kind(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterKind* last = nullptr;
  for (const AdapterKind& kind : adapter_kinds()) {
    if (!kind.is(parts)) continue;
    last = &kind;
    if (kind.fits(parts, weight)) break;
  }
  return last;
}

/// What is wrong with a number that stands alone: "its alpha is nan"; "" where nothing is.
std::string problem_of_numbers(const AdapterParts& parts) {
  for (const Role role : {Role::kAlpha, Role::kScale, Role::kOnInput, Role::kOftTerms,
                          Role::kOftTwice, Role::kOftLimit}) {
    if (!parts.has(role) || parts.sound_number(role)) continue;
    const at::Tensor& stored = parts.all().at(role);
    const std::string name = fmt::format("its {} is ", word_of(role));
    if (stored.numel() == 1) return name + fmt::format("{}", parts.number(role, 0));
    return name + fmt::format("of {} numbers, not of one", stored.numel());
  }
  return "";
}

/// "its lora_down [2, 32] and lora_up [32, 3] ".
std::string parts_text(const AdapterParts& parts) {
  std::vector<std::string> words;
  for (const auto& [role, tensor] : parts.all()) {
    if (role == Role::kAlpha || word_of(role).empty()) continue;
    words.push_back(fmt::format("{} {}", word_of(role), shape_string(tensor.sizes().vec())));
  }
  return "its " + join(words, ", ") + " ";
}

bool bias_fits(const AdapterParts& parts, const AdaptedLayer& layer) {
  return std::none_of(std::begin(kBiasRoles), std::end(kBiasRoles), [&](Role role) {
    return parts.has(role) && parts.shape(role) != layer.bias;
  });
}

bool dora_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const bool peft = parts.has(Role::kMagnitude), other = parts.has(Role::kDoraScale);
  if (weight.size() < 2) return !peft && !other;
  if (peft && parts.all().at(Role::kMagnitude).numel() != weight[0]) return false;
  return !other || adapters::lengths_size(parts.shape(Role::kDoraScale), weight).has_value();
}

bool fits(const AdapterKind& kind, const AdapterParts& parts, const AdapterShape& weight) {
  return !weight.empty() && kind.fits(parts, weight) && dora_fits(parts, weight);
}

/// A scale of 0 leaves nothing of the adapter's matrices: no trainer writes it.
bool is_scaled_to_nothing(const AdapterKind& kind, const AdapterParts& parts) {
  return parts.has(Role::kAlpha) && !parts.has(Role::kScale) && kind.rank(parts) > 0 &&
         parts.number(Role::kAlpha, 1) == 0;
}

/// The shape of the first convolution without an inpainting model's further inputs.
std::optional<AdapterShape> without_further_inputs(const AdaptedLayer& layer) {
  constexpr int64_t kLatent = 4;
  const bool is_first = layer.name == "model.diffusion_model.input_blocks.0.0";
  if (!is_first || layer.weight.size() != 4 || layer.weight[1] <= kLatent) return std::nullopt;
  AdapterShape shape = layer.weight;
  shape[1] = kLatent;
  return shape;
}

/// Why a module cannot be applied; "" where it can. Finds out how many of the inputs are meant.
std::string problem_of(Adapter::Module* module) {
  const auto& [layer, parts, kind, inputs] = *module;
  if (kind == nullptr && !changes_bias(parts)) return parts_text(parts) + "make no known kind";
  if (const std::string problem = problem_of_numbers(parts); !problem.empty()) return problem;
  if (!bias_fits(parts, layer)) {
    return parts_text(parts) + "do not fit a bias of " + shape_string(layer.bias);
  }
  if (kind == nullptr) return "";
  if (is_scaled_to_nothing(*kind, parts)) return "its alpha is 0, so it has no effect";
  if (fits(*kind, parts, layer.weight)) return "";
  const auto narrow = without_further_inputs(layer);
  if (!narrow || !fits(*kind, parts, *narrow)) {
    return parts_text(parts) + "do not fit a weight of " + shape_string(layer.weight);
  }
  module->inputs = (*narrow)[1];
  return "";
}

}  // namespace

Adapter::Adapter(AdapterFile file, const LayerNames& names) : file_(std::move(file)) {
  const auto counted = counted_layers(file_, names);
  for (const auto& [spelled, parts] : file_.layers) {
    const auto found = counted.find(spelled);
    const AdaptedLayer* layer = found != counted.end() ? found->second : names.find(spelled);
    if (layer == nullptr) {
      unmatched_.push_back(spelled);
    } else {
      add(spelled, parts, *layer);
    }
  }
  unmatched_.insert(unmatched_.end(), file_.strange.begin(), file_.strange.end());
  require_purpose(*this, names);
}

void Adapter::add(const std::string& spelled, const AdapterParts& parts,
                  const AdaptedLayer& layer) {
  Module module{.layer = layer, .parts = parts, .kind = choose_kind(parts, layer.weight)};
  const std::string problem = problem_of(&module);
  if (!problem.empty()) {
    misfits_.push_back(printable(spelled) + ": " + problem);
    return;
  }
  if (!by_layer_.emplace(layer.name, modules_.size()).second) {
    throw Error(ErrorKind::kCheckpoint,
                printable(file_.path()) + ": expected one entry for each layer, found with " +
                    printable(spelled) + " a second one for " + layer.name,
                "the file is of two adapters: save each in a file of its own");
  }
  modules_.push_back(std::move(module));
}

const Adapter::Module* Adapter::find(std::string_view layer) const {
  const auto found = by_layer_.find(layer);
  return found == by_layer_.end() ? nullptr : &modules_[found->second];
}

std::string Adapter::kinds() const {
  CountedKinds kinds;
  for (const Module& module : modules_) kinds.add(module.kind, module.parts);
  return kinds.text();
}

std::string Adapter::summary() const {
  const size_t all = modules_.size() + misfits_.size() + unmatched_.size();
  std::string line = fmt::format("{}: applied {} of {} layers, {}", printable(file_.name()),
                                 modules_.size(), all, kinds());
  const std::string trained = trained_on(file_);
  if (!trained.empty()) line += ", trained on " + trained;
  if (!misfits_.empty()) line += fmt::format("; {} that do not fit", misfits_.size());
  if (!unmatched_.empty())
    line += fmt::format("; {} that this model does not have", unmatched_.size());
  return line;
}

std::shared_ptr<const Adapter> open_adapter(const std::string& path, const LayerNames& names) {
  return std::make_shared<const Adapter>(read_adapter(path), names);
}

}  // namespace sd::models
