// What is added or multiplied as it stands: IA3 (Liu et al. 2022), full differences, norms; and
// what takes a weight's place.
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

bool peft_ia3_fits(const AdapterParts& parts, const AdapterShape& weight) {
  return weight.size() >= 2 &&
         numel(parts.shape(Role::kPeftIa3)) == weight[peft_ia3_is_on_input(parts, weight) ? 1 : 0];
}

bool full_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape diff = parts.shape(Role::kDiff);
  if (diff.empty() || weight.empty()) return false;
  return diff[0] == weight[0] && columns_of(diff) == columns_of(weight) &&
         (diff.size() == 2 || has_kernel_of(diff, weight));
}

}  // namespace

/// Of a linear map the factors' shape tells. Of a convolution it is the same either way: what the
/// config says counts, then which size fits.
bool adapters::peft_ia3_is_on_input(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape factors = parts.shape(Role::kPeftIa3);
  if (weight.size() < 4) return factors.size() >= 2 && factors[0] == 1 && factors[1] != 1;
  if (parts.has(Role::kOnInput)) return is_on_input(parts);
  return numel(factors) != weight[0];
}

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
      const bool on_input = peft_ia3_is_on_input(parts, weight.sizes().vec());
      return weight * (along(parts.get(Role::kPeftIa3), weight, on_input) - 1);
    }};

const AdapterKind kFullKind = {
    "full", [](const AdapterParts& parts) { return parts.has(Role::kDiff); }, full_fits, no_rank,
    [](const AdapterParts& parts, const at::Tensor& weight) {
      return parts.get(Role::kDiff).view(weight.sizes());
    }};

const AdapterKind kWholeKind = {"whole layers",
                                [](const AdapterParts& parts) { return parts.has(Role::kWhole); },
                                [](const AdapterParts& parts, const AdapterShape& weight) {
                                  return parts.shape(Role::kWhole) == weight;
                                },
                                no_rank,
                                [](const AdapterParts& parts, const at::Tensor& weight) {
                                  return parts.get(Role::kWhole) - weight;
                                }};

const AdapterKind kNormKind = {
    "norm", [](const AdapterParts& parts) { return parts.has(Role::kNormWeight); },
    [](const AdapterParts& parts, const AdapterShape& weight) {
      return parts.shape(Role::kNormWeight) == weight;
    },
    no_rank,
    [](const AdapterParts& parts, const at::Tensor&) { return parts.get(Role::kNormWeight); }};

}  // namespace sd::models
