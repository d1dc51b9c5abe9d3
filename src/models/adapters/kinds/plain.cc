// What is added or multiplied as it stands: IA3 (Liu et al. 2022), full differences, norms.
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

int64_t numel(const AdapterShape& shape) {
  return shape.empty() ? 1 : shape[0] * columns_of(shape);
}

/// The factors of the inputs, or of the outputs, as a weight is multiplied by them.
at::Tensor along(const at::Tensor& factors, const at::Tensor& weight, bool on_input) {
  std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
  shape[on_input ? 1 : 0] = factors.numel();
  return factors.reshape(shape);
}

bool is_on_input(const AdapterParts& parts) { return parts.number(Role::kOnInput, 0) != 0; }

bool ia3_fits(const AdapterParts& parts, const AdapterShape& weight) {
  return weight.size() >= 2 && numel(parts.shape(Role::kOnInput)) == 1 &&
         numel(parts.shape(Role::kIa3)) == weight[is_on_input(parts) ? 1 : 0];
}

bool is_peft_on_input(const AdapterShape& factors) {
  return factors.size() >= 2 && factors[0] == 1 && factors[1] != 1;
}

bool peft_ia3_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape factors = parts.shape(Role::kPeftIa3);
  return weight.size() >= 2 && numel(factors) == weight[is_peft_on_input(factors) ? 1 : 0];
}

bool full_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape diff = parts.shape(Role::kDiff);
  if (diff.empty() || weight.empty()) return false;
  return diff[0] == weight[0] && columns_of(diff) == columns_of(weight) &&
         has_kernel_of(diff, weight);
}

}  // namespace

const AdapterKind kIa3Kind = {"IA3",
                              [](const AdapterParts& parts) {
                                return parts.has_all({Role::kIa3, Role::kOnInput});
                              },
                              ia3_fits, no_rank,
                              [](const AdapterParts& parts, const at::Tensor& weight) {
                                return weight *
                                       along(parts.get(Role::kIa3), weight, is_on_input(parts));
                              }};

// PEFT multiplies by the factors themselves, which begin at 1.
const AdapterKind kPeftIa3Kind = {
    "IA3", [](const AdapterParts& parts) { return parts.has(Role::kPeftIa3); }, peft_ia3_fits,
    no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      const bool on_input = is_peft_on_input(parts.shape(Role::kPeftIa3));
      return weight * (along(parts.get(Role::kPeftIa3), weight, on_input) - 1);
    }};

const AdapterKind kFullKind = {
    "full", [](const AdapterParts& parts) { return parts.has(Role::kDiff); }, full_fits, no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      return parts.get(Role::kDiff).view(weight.sizes());
    }};

const AdapterKind kNormKind = {
    "norm", [](const AdapterParts& parts) { return parts.has(Role::kNormWeight); },
    [](const AdapterParts& parts, const AdapterShape& weight) {
      return parts.shape(Role::kNormWeight) == weight;
    },
    no_rank,
    [](const AdapterParts& parts, const at::Tensor&) { return parts.get(Role::kNormWeight); }};

}  // namespace sd::models
