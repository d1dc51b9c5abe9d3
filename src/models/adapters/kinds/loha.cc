// LoHa: the product, value by value, of two matrices of low rank (Hyeon-Woo et al. 2021, FedPara).
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

bool is_loha(const AdapterParts& parts) {
  return parts.has_all({Role::kHadaW1A, Role::kHadaW1B, Role::kHadaW2A, Role::kHadaW2B}) &&
         !parts.shape(Role::kHadaW1B).empty();
}

int64_t rank_of(const AdapterParts& parts) { return parts.shape(Role::kHadaW1B)[0]; }

bool half_fits(const AdapterShape& a, const AdapterShape& b, const AdapterShape& weight) {
  return weight.size() >= 2 && !b.empty() && is_rank(b[0]) && is_matrix(a, weight[0], b[0]) &&
         is_matrix(b, b[0], columns_of(weight)) && (b.size() == 2 || has_kernel_of(b, weight));
}

bool loha_fits(const AdapterParts& parts, const AdapterShape& weight) {
  return half_fits(parts.shape(Role::kHadaW1A), parts.shape(Role::kHadaW1B), weight) &&
         half_fits(parts.shape(Role::kHadaW2A), parts.shape(Role::kHadaW2B), weight);
}

at::Tensor loha_delta(const AdapterParts& parts, const at::Tensor& weight) {
  const auto product = [&](Role a, Role b) {  // of a convolution OneTrainer's have four sizes
    return at::matmul(parts.get(a).flatten(1), parts.get(b).flatten(1));
  };
  at::Tensor first = product(Role::kHadaW1A, Role::kHadaW1B);
  const at::Tensor second = product(Role::kHadaW2A, Role::kHadaW2B);
  return first.mul_(second).view(weight.sizes());
}

bool core_fits(const AdapterShape& core, const AdapterShape& a, const AdapterShape& b,
               const AdapterShape& weight) {
  return weight.size() == 4 && core.size() == 4 && is_rank(core[0]) && is_rank(core[1]) &&
         has_kernel_of(core, weight) && a == AdapterShape{core[0], weight[0]} &&
         b == AdapterShape{core[1], weight[1]};
}

bool tucker_fits(const AdapterParts& parts, const AdapterShape& weight) {
  return core_fits(parts.shape(Role::kHadaT1), parts.shape(Role::kHadaW1A),
                   parts.shape(Role::kHadaW1B), weight) &&
         core_fits(parts.shape(Role::kHadaT2), parts.shape(Role::kHadaW2A),
                   parts.shape(Role::kHadaW2B), weight);
}

at::Tensor tucker_delta(const AdapterParts& parts, const at::Tensor&) {
  at::Tensor first = rebuild_tucker(parts.get(Role::kHadaT1), parts.get(Role::kHadaW1A),
                                    parts.get(Role::kHadaW1B));
  return first.mul_(rebuild_tucker(parts.get(Role::kHadaT2), parts.get(Role::kHadaW2A),
                                   parts.get(Role::kHadaW2B)));
}

}  // namespace

const AdapterKind kLohaKind = {"LoHa",
                               [](const AdapterParts& parts) {
                                 return is_loha(parts) && !parts.has(Role::kHadaT1) &&
                                        !parts.has(Role::kHadaT2);
                               },
                               loha_fits, rank_of, loha_delta};

const AdapterKind kLohaTuckerKind = {
    "LoHa (Tucker)",
    [](const AdapterParts& parts) {
      return is_loha(parts) && parts.has_all({Role::kHadaT1, Role::kHadaT2});
    },
    tucker_fits, rank_of, tucker_delta};

}  // namespace sd::models
