#include "models/adapters/kinds/turning.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "sd/error.h"

namespace sd::models::adapters {

at::Tensor cayley(const at::Tensor& q) {
  const at::Tensor eye = at::eye(q.size(-1), q.options());
  const auto [inverse, failed] = at::linalg_inv_ex(eye - q);
  if (!failed.any().item<bool>()) return at::matmul(eye + q, inverse);
  throw Error(ErrorKind::kCheckpoint, "expected blocks that turn a weight, found one that cannot",
              "the file is damaged: fetch another");
}

at::Tensor shortened(const at::Tensor& blocks, double limit) {
  const double most = limit / std::sqrt(static_cast<double>(blocks.size(0)));
  const at::Tensor lengths = at::linalg_vector_norm(blocks, 2, std::vector<int64_t>{1, 2}, true);
  return blocks * (most / lengths.clamp_min(most));
}

at::Tensor change_by_turning(const AdapterParts& parts, AdapterRole factors,
                             const at::Tensor& turned, const at::Tensor& weight) {
  at::Tensor result = turned.view(weight.sizes());
  if (parts.has(factors)) {
    std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
    shape[0] = weight.size(0);
    result = result * parts.get(factors).reshape(shape);
  }
  return result - weight;
}

}  // namespace sd::models::adapters
