// LoRA (Hu et al. 2021), LoCon, its form for convolutions, and AdaLoRA (Zhang et al. 2023), which
// has a factor for each rank.
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

int64_t rank_of(const AdapterParts& parts) { return parts.shape(Role::kDown)[0]; }

bool is_lora(const AdapterParts& parts) {
  return parts.has_all({Role::kDown, Role::kUp}) && !parts.shape(Role::kDown).empty();
}

bool lora_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape down = parts.shape(Role::kDown);
  return weight.size() >= 2 && is_rank(rank_of(parts)) &&
         (down.size() == 2 || has_kernel_of(down, weight)) &&
         is_matrix(down, rank_of(parts), columns_of(weight)) &&
         is_matrix(parts.shape(Role::kUp), weight[0], rank_of(parts));
}

at::Tensor lora_delta(const AdapterParts& parts, const at::Tensor& weight) {
  const at::Tensor up = parts.get(Role::kUp).flatten(1);
  return at::matmul(up, parts.get(Role::kDown).flatten(1)).view(weight.sizes());
}

bool tucker_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape mid = parts.shape(Role::kMid);
  return weight.size() == 4 && mid.size() == 4 && is_rank(mid[0]) && is_rank(mid[1]) &&
         has_kernel_of(mid, weight) && is_matrix(parts.shape(Role::kUp), weight[0], mid[0]) &&
         is_matrix(parts.shape(Role::kDown), mid[1], weight[1]);
}

at::Tensor tucker_delta(const AdapterParts& parts, const at::Tensor&) {
  return rebuild_tucker(parts.get(Role::kMid), parts.get(Role::kUp).flatten(1).t(),
                        parts.get(Role::kDown).flatten(1));
}

bool ada_lora_fits(const AdapterParts& parts, const AdapterShape& weight) {
  return weight.size() == 2 && lora_fits(parts, weight) &&
         is_matrix(parts.shape(Role::kSingular), rank_of(parts), 1);
}

/// (PEFT divides by the rank and this.)
at::Tensor ada_lora_delta(const AdapterParts& parts, const at::Tensor&) {
  constexpr double kBesideRank = 1e-5;
  const auto rank = static_cast<double>(rank_of(parts));
  const at::Tensor down = parts.get(Role::kDown) * parts.get(Role::kSingular);
  return at::matmul(parts.get(Role::kUp), down) * (rank / (rank + kBesideRank));
}

}  // namespace

const AdapterKind kAdaLoraKind = {
    "AdaLoRA",
    [](const AdapterParts& parts) { return is_lora(parts) && parts.has(Role::kSingular); },
    ada_lora_fits, rank_of, ada_lora_delta};

const AdapterKind kLoraKind = {"LoRA",
                               [](const AdapterParts& parts) {
                                 return is_lora(parts) && !parts.has(Role::kMid) &&
                                        !parts.has(Role::kSingular);
                               },
                               lora_fits, rank_of, lora_delta};

const AdapterKind kTuckerKind = {
    "LoCon (Tucker)",
    [](const AdapterParts& parts) { return is_lora(parts) && parts.has(Role::kMid); }, tucker_fits,
    rank_of, tucker_delta};

}  // namespace sd::models
