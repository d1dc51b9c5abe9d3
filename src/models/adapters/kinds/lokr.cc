// LoKr: a Kronecker product whose factors are whole or of low rank.
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

bool is_lokr(const AdapterParts& parts) {
  const bool first = parts.has(Role::kLokrW1) || parts.has_all({Role::kLokrW1A, Role::kLokrW1B});
  const bool second = parts.has(Role::kLokrW2) || parts.has_all({Role::kLokrW2A, Role::kLokrW2B});
  return first && second;
}

/// alpha is divided by the rank of the last factor that has one.
int64_t rank_of(const AdapterParts& parts) {
  if (!parts.has(Role::kLokrW2))
    return parts.shape(Role::kLokrW2B).empty() ? 0 : parts.shape(Role::kLokrW2B)[0];
  if (!parts.has(Role::kLokrW1))
    return parts.shape(Role::kLokrW1B).empty() ? 0 : parts.shape(Role::kLokrW1B)[0];
  return 0;
}

/// The shape of a [p, r] by b [r, q]; empty where they do not go together.
AdapterShape product_shape(const AdapterShape& a, const AdapterShape& b) {
  const bool fit = a.size() == 2 && b.size() >= 2 && is_rank(a[1]) && a[1] == b[0];
  if (!fit) return {};
  return {a[0], columns_of(b)};
}

AdapterShape first_shape(const AdapterParts& parts) {
  if (parts.has(Role::kLokrW1)) return parts.shape(Role::kLokrW1);
  return product_shape(parts.shape(Role::kLokrW1A), parts.shape(Role::kLokrW1B));
}

/// [b, d] or [b, d, k, k], or [b, d * k * k].
AdapterShape second_shape(const AdapterParts& parts) {
  if (parts.has(Role::kLokrW2)) return parts.shape(Role::kLokrW2);
  const AdapterShape a = parts.shape(Role::kLokrW2A), b = parts.shape(Role::kLokrW2B);
  if (!parts.has(Role::kLokrT2)) return product_shape(a, b);
  const AdapterShape core = parts.shape(Role::kLokrT2);
  const bool fit = core.size() == 4 && a.size() == 2 && b.size() == 2 && is_rank(core[0]) &&
                   is_rank(core[1]) && a[0] == core[0] && b[0] == core[1];
  if (!fit) return {};
  return {a[1], b[1], core[2], core[3]};
}

bool lokr_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape first = first_shape(parts), second = second_shape(parts);
  if (weight.size() < 2 || first.size() != 2 || second.size() < 2 || first[0] <= 0 ||
      first[1] <= 0) {
    return false;
  }
  return first[0] * second[0] == weight[0] && first[1] * columns_of(second) == columns_of(weight) &&
         (second.size() == 2 || has_kernel_of(second, weight)) && weight[1] % first[1] == 0;
}

at::Tensor second_of(const AdapterParts& parts) {
  if (parts.has(Role::kLokrW2)) return parts.get(Role::kLokrW2);
  const at::Tensor a = parts.get(Role::kLokrW2A), b = parts.get(Role::kLokrW2B);
  if (parts.has(Role::kLokrT2)) return rebuild_tucker(parts.get(Role::kLokrT2), a, b);
  return at::matmul(a, b.flatten(1));
}

at::Tensor lokr_delta(const AdapterParts& parts, const at::Tensor& weight) {
  const at::Tensor first =
      parts.has(Role::kLokrW1)
          ? parts.get(Role::kLokrW1)
          : at::matmul(parts.get(Role::kLokrW1A), parts.get(Role::kLokrW1B).flatten(1));
  // first [a, c], second [b, d * k * k]: a row of the product is a row of both.
  const at::Tensor second = second_of(parts).flatten(1);
  return at::kron(first, second).view(weight.sizes());
}

}  // namespace

const AdapterKind kLokrKind = {"LoKr", is_lokr, lokr_fits, rank_of, lokr_delta};

}  // namespace sd::models
