#include "sampling/eps_model.h"

#include <ATen/ATen.h>

#include <memory>

#include "kernels/table.h"

namespace sd {

EpsModel guided(const EpsNetwork& network, const at::Tensor& cond, const at::Tensor& uncond,
                const std::vector<double>& scales, const KernelPolicy& kernels) {
  if (!uncond.defined()) return network(cond);
  const GuidanceSpec spec{at::tensor(scales, at::kFloat).to(cond.device())};
  const std::shared_ptr<const GuidanceKernel> combine =
      choose_kernel(guidance_rows(), spec, kernels);
  return [eps_of_both = network(at::cat({uncond, cond})), combine](const at::Tensor& x, double t) {
    return (*combine)(eps_of_both(x, t));
  };
}

}  // namespace sd
