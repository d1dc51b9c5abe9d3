#include "models/adapters/kinds/kinds.h"

#include <ATen/ATen.h>

namespace sd::models {
namespace adapters {

int64_t columns_of(const AdapterShape& shape) {
  int64_t columns = 1;
  for (size_t i = 1; i < shape.size(); ++i) columns *= shape[i];
  return columns;
}

bool is_matrix(const AdapterShape& shape, int64_t rows, int64_t columns) {
  return shape.size() >= 2 && shape[0] == rows && columns_of(shape) == columns;
}

std::optional<int64_t> lengths_size(const AdapterShape& lengths, const AdapterShape& weight) {
  if (weight.size() < 2) return std::nullopt;
  const int64_t count = lengths.empty() ? 1 : lengths[0] * columns_of(lengths);
  const bool is_row = lengths.size() >= 2 && lengths[0] == 1 && lengths[1] == weight[1];
  const bool of_inputs = count == weight[1] && (is_row || lengths.size() < 2);
  const bool of_outputs = count == weight[0];
  if (of_outputs && !(of_inputs && is_row)) return 0;
  return of_inputs ? std::optional<int64_t>(1) : std::nullopt;
}

bool has_kernel_of(const AdapterShape& part, const AdapterShape& weight) {
  const auto side = [](const AdapterShape& shape, size_t i) {
    return i < shape.size() ? shape[i] : 1;
  };
  return part.size() <= 4 && side(part, 2) == side(weight, 2) && side(part, 3) == side(weight, 3);
}

at::Tensor rebuild_tucker(const at::Tensor& core, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor half = at::matmul(a.t(), core.flatten(1)).unflatten(1, {core.size(1), -1});
  const at::Tensor whole = at::matmul(b.t(), half);  // [p, q, k * k]
  return whole.unflatten(2, {core.size(2), core.size(3)});
}

}  // namespace adapters

std::span<const AdapterKind> adapter_kinds() {
  static const AdapterKind kinds[] = {
      kTuckerKind,       kAdaLoraKind,  kLoraKind,       kLohaTuckerKind, kLohaKind,
      kLokrKind,         kIa3Kind,      kPeftIa3Kind,    kFullKind,       kNormKind,
      kGloraKind,        kBoftKind,     kOftKind,        kOldOftKind,     kPeftOftKind,
      kSwappedGloraKind, kPeftBoftKind, kPeftBlocksKind, kWholeKind,
  };
  return kinds;
}

}  // namespace sd::models
