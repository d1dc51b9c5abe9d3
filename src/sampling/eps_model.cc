#include "sampling/eps_model.h"

#include <ATen/ATen.h>

namespace sd {

EpsModel guided(const EpsNetwork& network, const at::Tensor& cond, const at::Tensor& uncond,
                const std::vector<double>& scales) {
  if (!uncond.defined()) return network(cond);
  const at::Tensor scale = at::tensor(scales, at::kFloat).reshape({-1, 1, 1, 1}).to(cond.device());
  return [eps_of_both = network(at::cat({uncond, cond})), scale](const at::Tensor& x, double t) {
    const auto eps = eps_of_both(x, t).chunk(2);
    return eps[0] + scale * (eps[1] - eps[0]);
  };
}

}  // namespace sd
