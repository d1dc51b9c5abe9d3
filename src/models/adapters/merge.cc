#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "models/adapters/adapter.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd::models {
namespace {

using Role = AdapterRole;
using Module = Adapter::Module;

double strength_on(const Module& module, const AdapterStrength& strength) {
  return module.layer.is_text ? strength.text : strength.unet;
}

Error no_numbers(const std::string& found) {
  return Error(ErrorKind::kCheckpoint, "expected a changed weight of numbers, found " + found,
               "apply the adapter with less strength, or fetch it again: it may be damaged");
}

/// A factor that float32 can hold.
double factor(double exact) {
  if (std::abs(exact) <= std::numeric_limits<float>::max()) return exact;
  throw no_numbers(fmt::format("a change times {:g}", exact));
}

/// What the product of an adapter's matrices is multiplied by, strength apart.
double scale_of(const Module& module) {
  if (module.parts.has(Role::kScale)) return module.parts.number(Role::kScale, 1);
  const auto rank = static_cast<double>(module.kind->rank(module.parts));
  return rank > 0 ? module.parts.number(Role::kAlpha, rank) / rank : 1;
}

/// Only the first ranks of a LoRA. Its scale stays that of the whole.
AdapterParts with_first_ranks(const AdapterParts& parts, int64_t rank) {
  AdapterParts result = parts;
  const auto cut = [&](Role role, int64_t dim) {
    const at::Tensor& stored = parts.all().at(role);
    result.add(role, stored.narrow(dim, 0, std::min(rank, stored.size(dim))));
  };
  cut(Role::kDown, 0);
  cut(Role::kUp, 1);
  return result;
}

/// Length over all sizes but one: [1, …, n, …, 1].
at::Tensor norms_along(const at::Tensor& weight, int64_t dim) {
  std::vector<int64_t> others;
  for (int64_t i = 0; i < weight.dim(); ++i) {
    if (i != dim) others.push_back(i);
  }
  return at::linalg_vector_norm(weight, 2, others, /*keepdim=*/true);
}

/// DoRA (Liu et al. 2024): the changed weight's rows or columns get lengths of their own.
at::Tensor with_lengths(const Module& module, const at::Tensor& changed) {
  const bool peft = module.parts.has(Role::kMagnitude);
  const at::Tensor scale = module.parts.get(peft ? Role::kMagnitude : Role::kDoraScale);
  const auto size_of = [&] {
    return adapters::lengths_size(scale.sizes().vec(), changed.sizes().vec()).value_or(0);
  };
  const int64_t dim = peft ? 0 : size_of();
  std::vector<int64_t> shape(static_cast<size_t>(changed.dim()), 1);
  shape[static_cast<size_t>(dim)] = scale.numel();
  const at::Tensor norms = norms_along(changed, dim).clamp_min_(1e-30);  // of nothing: no change
  return changed * (scale.reshape(shape) / norms);
}

bool has_lengths(const Module& module) {
  return module.parts.has(Role::kMagnitude) || module.parts.has(Role::kDoraScale);
}

/// (The table holds copies of the rows.)
bool is_of(const Module& module, const AdapterKind& kind) {
  return module.kind != nullptr && module.kind->delta == kind.delta;
}

/// The weight [out, in, …] after a change of this strength.
at::Tensor changed_weight(const Module& module, const at::Tensor& weight,
                          const AdapterStrength& of) {
  const double strength = strength_on(module, of);
  const bool is_cut = of.rank && is_of(module, kLoraKind);
  const at::Tensor delta =
      module.kind->delta(is_cut ? with_first_ranks(module.parts, *of.rank) : module.parts, weight);
  const double scale = scale_of(module);
  if (!has_lengths(module)) return weight.add(delta, factor(scale * strength));
  const at::Tensor whole = with_lengths(module, weight.add(delta, factor(scale)));
  return weight.add(whole.sub(weight), factor(strength));
}

/// Only the first inputs change.
at::Tensor changed_inputs(const Module& module, const at::Tensor& weight,
                          const AdapterStrength& strength) {
  if (module.inputs == 0) return changed_weight(module, weight, strength);
  at::Tensor result = weight.clone();
  at::Tensor first = result.narrow(1, 0, module.inputs);
  first.copy_(changed_weight(module, first.contiguous(), strength));
  return result;
}

/// The outputs that IA3 of PEFT multiplies have a part in the bias.
bool multiplies_bias(const Module& module) {
  return is_of(module, kPeftIa3Kind) && !module.layer.bias.empty() &&
         !adapters::peft_ia3_is_on_input(module.parts, module.layer.weight);
}

at::Tensor changed_bias(const Module& module, const at::Tensor& bias, double strength) {
  const AdapterParts& parts = module.parts;
  at::Tensor result = bias;
  for (const Role role : {Role::kDiffBias, Role::kNormBias}) {
    if (parts.has(role)) result = result.add(parts.get(role), factor(strength));
  }
  if (parts.has(Role::kWholeBias)) {
    result = result.add(parts.get(Role::kWholeBias) - bias, factor(strength));
  }
  if (parts.has(Role::kUpBias)) {
    const double scale = module.kind == nullptr ? 1 : scale_of(module);
    result = result.add(parts.get(Role::kUpBias), factor(scale * strength));
  }
  if (!multiplies_bias(module)) return result;
  const at::Tensor factors = parts.get(Role::kPeftIa3).reshape(bias.sizes());
  return result.add(bias * (factors - 1), factor(strength));
}

/// Throws unless the weight is of the layer's shape; ones at the end of a shape do not count.
void require_shape(const at::Tensor& values, std::vector<int64_t> shape) {
  std::vector<int64_t> found = values.sizes().vec();
  for (std::vector<int64_t>* one : {&found, &shape}) {
    while (!one->empty() && one->back() == 1) one->pop_back();
  }
  if (found == shape) return;
  throw Error(ErrorKind::kCheckpoint,
              "expected a weight of " + shape_string(shape) + " to change, found one of " +
                  shape_string(found),
              "give the model's own config");
}

/// Throws unless all values are numbers: their sum is none where one of them is none.
void require_numbers(const at::Tensor& values) {
  if (!std::isfinite(values.sum().item<double>())) throw no_numbers("other values");
}

/// A weight's name in its two parts.
struct Name {
  std::string_view layer;
  bool is_bias;
};

Name split(std::string_view name) {
  const size_t dot = name.rfind('.');
  return {name.substr(0, dot), name.ends_with(".bias")};
}

/// An adapter at a strength.
struct Use {
  std::shared_ptr<const Adapter> adapter;
  AdapterStrength strength;

  double strength_of(const Module& module) const { return strength_on(module, strength); }

  bool touches(std::string_view name) const {
    const auto [layer, is_bias] = split(name);
    const Module* module = adapter->find(layer);
    if (module == nullptr || strength_of(*module) == 0) return false;
    if (!is_bias) return module->kind != nullptr;
    return changes_bias(module->parts) || multiplies_bias(*module);
  }

  at::Tensor apply(std::string_view name, const at::Tensor& values) const {
    const runtime::Zone zone("adapter");
    const auto [layer, is_bias] = split(name);
    const Module& module = *adapter->find(layer);
    require_shape(values, is_bias ? module.layer.bias : module.layer.weight);
    at::Tensor changed = is_bias ? changed_bias(module, values, strength_of(module))
                                 : changed_inputs(module, values, strength);
    require_numbers(changed);
    return changed;
  }
};

}  // namespace

weights::WeightEdit adapter_edit(std::shared_ptr<const Adapter> adapter,
                                 const AdapterStrength& strength) {
  const Use use{std::move(adapter), strength};
  return {.touches = [use](std::string_view name) { return use.touches(name); },
          .apply =
              [use](std::string_view name, const at::Tensor& values) {
                try {
                  return use.apply(name, values);
                } catch (const Error& error) {  // the parts do not know whose they are
                  throw Error(error.kind(),
                              printable(use.adapter->file().path()) + ": " +
                                  std::string(split(name).layer) + ": " + error.what(),
                              error.hint());
                }
              }};
}

}  // namespace sd::models
