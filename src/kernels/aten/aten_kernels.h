#pragma once

#include <memory>

#include "kernels/attention.h"
#include "kernels/conv2d.h"
#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/guide.h"
#include "kernels/linear.h"
#include "kernels/mix.h"
#include "runtime/kernel_policy.h"

/// The last entry of every kernel table: plain ATen, for any shape and device.
namespace sd::kernels::aten {

std::unique_ptr<const Conv2dKernel> make_conv2d(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy&);
std::unique_ptr<const LinearKernel> make_linear(const LinearSpec& spec,
                                                const runtime::KernelPolicy&);
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec,
                                                       const runtime::KernelPolicy&);
std::unique_ptr<const AttentionKernel> make_attention(const AttentionSpec& spec,
                                                      const runtime::KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec, const runtime::KernelPolicy&);
std::unique_ptr<const GuideKernel> make_guide(const GuideSpec& spec, const runtime::KernelPolicy&);
std::unique_ptr<const MixKernel> make_mix(const MixSpec& spec, const runtime::KernelPolicy&);

}  // namespace sd::kernels::aten
