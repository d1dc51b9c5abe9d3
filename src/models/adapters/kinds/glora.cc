// GLoRA (Chavan et al. 2023): W + b2·b1 + (W·a2)·a1. LyCORIS since 2.0 writes a1 for a2 and b1 for
// b2; the shapes tell. Of a convolution a1 and a2 change the channels that come in. The web UI
// knows no rank of the usual order and leaves alpha out of account.
#include <ATen/ATen.h>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

/// In the usual order.
struct Names {
  Role a1, a2, b1, b2;
};

constexpr Names kUsual = {Role::kGloraA1, Role::kGloraA2, Role::kGloraB1, Role::kGloraB2};
constexpr Names kSwapped = {Role::kGloraA2, Role::kGloraA1, Role::kGloraB2, Role::kGloraB1};

bool is_glora(const AdapterParts& parts) {
  return parts.has_all({kUsual.a1, kUsual.a2, kUsual.b1, kUsual.b2}) &&
         !parts.shape(Role::kGloraA2).empty();
}

template <const Names& names>
bool fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape a1 = parts.shape(names.a1), b1 = parts.shape(names.b1);
  if (weight.size() < 2 || a1.empty() || b1.empty()) return false;
  return is_rank(a1[0]) && is_rank(b1[0]) && is_matrix(a1, a1[0], weight[1]) &&
         is_matrix(b1, b1[0], columns_of(weight)) &&
         is_matrix(parts.shape(names.a2), weight[1], a1[0]) &&
         is_matrix(parts.shape(names.b2), weight[0], b1[0]);
}

template <const Names& names>
at::Tensor delta(const AdapterParts& parts, const at::Tensor& weight) {
  const at::Tensor added =
      at::matmul(parts.get(names.b2).flatten(1), parts.get(names.b1).flatten(1));
  const at::Tensor channels = weight.movedim(1, -1);  // [out, …, in]
  const at::Tensor narrow = at::matmul(channels, parts.get(names.a2).flatten(1));
  const at::Tensor changed = at::matmul(narrow, parts.get(names.a1).flatten(1));
  return changed.movedim(-1, 1).add(added.view(weight.sizes()));
}

}  // namespace

const AdapterKind kGloraKind = {"GLoRA", is_glora, fits<kUsual>, no_rank, delta<kUsual>};

const AdapterKind kSwappedGloraKind = {
    "GLoRA", is_glora, fits<kSwapped>,
    [](const AdapterParts& parts) { return parts.shape(Role::kGloraA2)[0]; }, delta<kSwapped>};

}  // namespace sd::models
