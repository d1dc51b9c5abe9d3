// OFT as PEFT stores it since 0.16: of the skew matrix of each block the values above the diagonal,
// row by row. The blocks turn the inputs of a weight (tuners/oft/layer.py: OFTRotationModule,
// merge). OneTrainer stores its OFT so, too (modules/module/oft_utils.py and LoRAModule.py,
// 23df383).
#include <ATen/ATen.h>

#include <cmath>

#include "models/adapters/kinds/kinds.h"
#include "models/adapters/kinds/turning.h"

namespace sd::models {
namespace {

using namespace adapters;
using Role = AdapterRole;

/// The side of a square with so many values above its diagonal; 0: there is none.
int64_t side_of(int64_t values) {
  const auto side = std::llround((1 + std::sqrt(1 + 8 * static_cast<double>(values))) / 2);
  return side * (side - 1) / 2 == values ? side : 0;
}

bool peft_oft_fits(const AdapterParts& parts, const AdapterShape& weight) {
  const AdapterShape packed = parts.shape(Role::kPeftOft);
  if (weight.size() < 2 || packed.size() != 2 || packed[0] < 1 || packed[1] < 1) return false;
  const int64_t side = side_of(packed[1]), inputs = columns_of(weight);
  // One block may turn all (`block_share`).
  return is_rank(side) && inputs % side == 0 && (packed[0] == 1 || packed[0] == inputs / side);
}

/// [blocks, side, side]: the packed values above the diagonal, and less them below.
at::Tensor skew_matrices(const at::Tensor& packed) {
  const int64_t side = side_of(packed.size(1));
  const at::Tensor places = at::triu_indices(side, side, 1);  // [2, values]: rows, columns
  at::Tensor upper = at::zeros({packed.size(0), side * side});
  upper.index_copy_(1, places[0] * side + places[1], packed);
  upper = upper.view({-1, side, side});
  return upper - upper.transpose(1, 2);
}

/// The first terms of (I + Q)(I - Q)^-1 = I + 2Q + 2Q^2 + …. Since 0.18 the one behind the last, of
/// three terms, or the last, of more, counts once.
at::Tensor by_series(const at::Tensor& q, int64_t terms, bool last_counts_twice) {
  at::Tensor r = at::eye(q.size(1)) + at::zeros_like(q);
  if (terms > 1) r.add_(q, 2);
  if (terms < 3) return r;
  at::Tensor power = at::matmul(q, q);
  r.add_(power, 2);
  for (int64_t i = 3; i < terms - (last_counts_twice ? 0 : 1); ++i) {
    power = at::matmul(power, q);
    r.add_(power, 2);
  }
  return last_counts_twice ? r : r.add_(at::matmul(power, q));
}

at::Tensor rotations(const AdapterParts& parts) {
  at::Tensor q = skew_matrices(parts.get(Role::kPeftOft));
  if (parts.has(Role::kOftScaled)) q = q / (2 * std::sqrt(static_cast<double>(q.size(1) - 1)));
  const double limit = parts.number(Role::kOftLimit, 0);
  if (limit > 0) q = shortened(q, limit);
  const auto terms = static_cast<int64_t>(parts.number(Role::kOftTerms, kUsualOftTerms));
  // Exact: (I - Q)(I + Q)^-1, which turns the other way round than the series.
  if (terms == 0) return cayley(q.neg());
  return by_series(q, terms, parts.number(Role::kOftTwice, 0) != 0);
}

/// Block k of the inputs becomes that of the weight times R_k^T; of OneTrainer's convolutions times
/// R_k.
at::Tensor peft_oft_delta(const AdapterParts& parts, const at::Tensor& weight) {
  const bool turns_back = weight.dim() == 4 && parts.number(Role::kOftWeights, 0) != 0;
  const at::Tensor r = turns_back ? rotations(parts).transpose(1, 2) : rotations(parts);
  const at::Tensor blocks = weight.reshape({weight.size(0), -1, r.size(1)}).transpose(0, 1);
  const at::Tensor turned = at::matmul(blocks, r.transpose(1, 2));  // [blocks, out, side]
  return turned.transpose(0, 1).reshape(weight.sizes()) - weight;
}

}  // namespace

const AdapterKind kPeftOftKind = {
    "OFT", [](const AdapterParts& parts) { return parts.has(Role::kPeftOft); }, peft_oft_fits,
    no_rank, peft_oft_delta};

}  // namespace sd::models
