#pragma once

#include <memory>

#include "kernels/conv2d.h"
#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/guide.h"
#include "kernels/mix.h"
#include "runtime/kernel_policy.h"

/// Kernels of our own for cards, for the entries of the tables above ATen's: where libsd_cuda.so is
/// open; null elsewhere. They are for what ATen takes several passes over the memory for.
namespace sd::kernels::cuda {

/// The convolution by ATen (cuDNN), all that is added to it in one pass (ATen: one each).
std::unique_ptr<const Conv2dKernel> make_conv2d(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy& policy);

/// channels_last as it is, statistics in float32, SiLU in the same pass.
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec,
                                                       const runtime::KernelPolicy& policy);

/// The product by ATen (cuBLAS), value·gelu(gate) in one pass.
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec,
                                              const runtime::KernelPolicy& policy);

/// One launch (ATen: six).
std::unique_ptr<const GuideKernel> make_guide(const GuideSpec& spec,
                                              const runtime::KernelPolicy& policy);

/// One launch (ATen: two a term).
std::unique_ptr<const MixKernel> make_mix(const MixSpec& spec, const runtime::KernelPolicy& policy);

}  // namespace sd::kernels::cuda
