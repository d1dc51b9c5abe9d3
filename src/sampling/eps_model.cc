#include "sampling/eps_model.h"

#include <ATen/ATen.h>

namespace sd {

EpsModel guided(EpsNetwork network, at::Tensor cond, at::Tensor uncond,
                const std::vector<double>& scales) {
  if (!uncond.defined()) {
    return [network = std::move(network), cond = std::move(cond)](const at::Tensor& x, double t) {
      return network(x, t, cond);
    };
  }
  const at::Tensor context = at::cat({uncond, cond});  // [2N, 77, width]
  const at::Tensor scale = at::tensor(scales, at::kFloat).reshape({-1, 1, 1, 1});
  return [network = std::move(network), context, scale](const at::Tensor& x, double t) {
    const auto eps = network(at::cat({x, x}), t, context).chunk(2);
    return eps[0] + scale * (eps[1] - eps[0]);
  };
}

}  // namespace sd
