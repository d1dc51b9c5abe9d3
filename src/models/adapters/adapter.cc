#include "models/adapters/adapter.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/strings.h"
#include "models/adapters/adapter_purpose.h"
#include "models/adapters/counted_kinds.h"
#include "models/adapters/counted_layers.h"
#include "sd/error.h"

namespace sd {
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

/// Whether each number that stands alone is one number.
bool has_sound_numbers(const AdapterParts& parts) {
  for (const Role role : {Role::kAlpha, Role::kScale, Role::kOnInput}) {
    if (!parts.has(role)) continue;
    const at::Tensor& stored = parts.all().at(role);
    if (stored.numel() != 1 || !std::isfinite(parts.number(role, 0))) return false;
  }
  return true;
}

bool bias_fits(const AdapterParts& parts, const AdaptedLayer& layer) {
  for (const Role role : {Role::kDiffBias, Role::kNormBias}) {
    if (parts.has(role) && parts.shape(role) != layer.bias) return false;
  }
  return true;
}

bool dora_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const auto count = [&](Role role) { return parts.all().at(role).numel(); };
  if (parts.has(Role::kMagnitude) && count(Role::kMagnitude) != weight[0]) return false;
  if (!parts.has(Role::kDoraScale)) return true;
  return weight.size() >= 2 &&
         (count(Role::kDoraScale) == weight[0] || count(Role::kDoraScale) == weight[1]);
}

bool fits(const AdapterKind& kind, const AdapterParts& parts, const AdapterShape& weight) {
  return !weight.empty() && kind.fits(parts, weight) && dora_fits(parts, weight);
}

bool changes_bias(const AdapterParts& parts) {
  return parts.has(Role::kDiffBias) || parts.has(Role::kNormBias);
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
  const bool is_known = module.kind != nullptr || changes_bias(parts);
  bool is_sound = is_known && has_sound_numbers(parts) && bias_fits(parts, layer);
  if (is_sound && module.kind != nullptr && !fits(*module.kind, parts, layer.weight)) {
    const auto narrow = without_further_inputs(layer);
    is_sound = narrow && fits(*module.kind, parts, *narrow);
    if (is_sound) module.inputs = (*narrow)[1];
  }
  if (!is_sound) {
    misfits_.push_back(printable(spelled) + (is_known ? ": its sizes do not fit a weight of " +
                                                            shape_string(layer.weight)
                                                      : ": its tensors are of no known kind"));
    return;
  }
  if (by_layer_.emplace(layer.name, modules_.size()).second) {
    modules_.push_back(std::move(module));
  } else {
    misfits_.push_back(printable(spelled) + ": a second entry for " + layer.name);
  }
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
  std::string line = format("%s: applied %zu of %zu layers, %s", printable(file_.name()).c_str(),
                            modules_.size(), all, kinds().c_str());
  const std::string trained = trained_on(file_);
  if (!trained.empty()) line += ", trained on " + trained;
  if (!misfits_.empty()) line += format("; %zu of another shape", misfits_.size());
  if (!unmatched_.empty()) line += format("; %zu that this model does not have", unmatched_.size());
  return line;
}

std::shared_ptr<const Adapter> open_adapter(const std::string& path, const LayerNames& names) {
  return std::make_shared<const Adapter>(read_adapter(path), names);
}

}  // namespace sd
