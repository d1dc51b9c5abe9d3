#pragma once

#include <memory>

#include "kernels/attention.h"
#include "kernels/conv2d.h"
#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/linear.h"
#include "runtime/kernel_policy.h"

// Kernels that compute nothing: on tensors of the device "meta", which have shapes and no numbers,
// they make the tensors that the entries of policy.shapes make, in their order, so that a network's
// need of memory can be told without running it.

namespace sd::kernels::shapes {

std::unique_ptr<const Conv2dKernel> make_kernel(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy& policy);
std::unique_ptr<const LinearKernel> make_kernel(const LinearSpec& spec,
                                                const runtime::KernelPolicy& policy);
std::unique_ptr<const GroupNormKernel> make_kernel(const GroupNormSpec& spec,
                                                   const runtime::KernelPolicy& policy);
std::unique_ptr<const AttentionKernel> make_kernel(const AttentionSpec& spec,
                                                   const runtime::KernelPolicy& policy);
std::unique_ptr<const GegluKernel> make_kernel(const GegluSpec& spec,
                                               const runtime::KernelPolicy& policy);

}  // namespace sd::kernels::shapes
