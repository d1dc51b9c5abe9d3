#pragma once

#include <memory>

#include "kernels/conv2d.h"
#include "kernels/group_norm.h"
#include "runtime/kernel_policy.h"

/// Kernels of our own for the processor, in float32, for the entries of the tables above ATen's.
namespace sd::kernels::cpu {

/// 3x3, stride 1, padding 1, by Winograd's F(4x4, 3x3), from eight input channels on.
std::unique_ptr<const Conv2dKernel> make_winograd_avx2(const Conv2dSpec& spec,
                                                       const runtime::KernelPolicy&);
std::unique_ptr<const Conv2dKernel> make_winograd_avx512(const Conv2dSpec& spec,
                                                         const runtime::KernelPolicy&);
/// The product in bfloat16, with sums in float32, where the policy asks for it; from 32 output
/// channels on.
std::unique_ptr<const Conv2dKernel> make_winograd_avx512bf16(const Conv2dSpec& spec,
                                                             const runtime::KernelPolicy& policy);

/// Sums in double, the rest in one pass.
std::unique_ptr<const GroupNormKernel> make_group_norm_avx2(const GroupNormSpec& spec,
                                                            const runtime::KernelPolicy&);
std::unique_ptr<const GroupNormKernel> make_group_norm_avx512(const GroupNormSpec& spec,
                                                              const runtime::KernelPolicy&);

}  // namespace sd::kernels::cpu
