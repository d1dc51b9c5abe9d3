#include "sampling/denoiser.h"

#include <ATen/ATen.h>

#include <utility>

#include "kernels/table.h"

namespace sd {

Denoiser guided(const EpsNetwork& network, const at::Tensor& cond, const at::Tensor& uncond,
                const std::vector<double>& scales, const KernelPolicy& kernels) {
  if (!uncond.defined()) return unguided(network(cond), kernels);
  const SamplerStepSpec spec{at::tensor(scales, at::kFloat).to(cond.device())};
  return {network(at::cat({uncond, cond})), choose_kernel(sampler_step_rows(), spec, kernels)};
}

Denoiser unguided(EpsModel eps, const KernelPolicy& kernels) {
  return {std::move(eps), choose_kernel(sampler_step_rows(), SamplerStepSpec{}, kernels)};
}

}  // namespace sd
