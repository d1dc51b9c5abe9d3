#pragma once

#include <memory>

#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/sampler_step.h"
#include "runtime/kernel_policy.h"

/// Kernels of our own for cards, for the rows of the tables above ATen's: where libsd_cuda.so is
/// open; null elsewhere. They are for what ATen takes several passes over the memory for.
namespace sd::cuda {

/// channels_last as it is, statistics in float32, SiLU in the same pass.
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec,
                                                       const KernelPolicy& policy);

/// The product by ATen (cuBLAS), value·gelu(gate) in one pass.
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec, const KernelPolicy& policy);

/// One launch (ATen: three).
std::unique_ptr<const SamplerStepKernel> make_sampler_step(const SamplerStepSpec& spec,
                                                           const KernelPolicy& policy);

}  // namespace sd::cuda
