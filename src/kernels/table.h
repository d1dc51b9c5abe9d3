#pragma once

#include <memory>
#include <span>

#include "kernels/attention.h"
#include "kernels/conv2d.h"
#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/guide.h"
#include "kernels/linear.h"
#include "kernels/mix.h"
#include "kernels/shapes/shape_kernels.h"
#include "runtime/kernel_policy.h"

namespace sd::kernels {

/// One way to compute an operation. `make` returns null where the entry does not fit the spec or
/// the policy; it is called only for tensors on the entry's device, and where the processor has
/// what the entry needs. The last entry of every table fits everything on every device and is plain
/// ATen.
template <class Kernel, class Spec>
struct KernelEntry {
  const char* name;
  runtime::Isa needs;
  std::unique_ptr<const Kernel> (*make)(const Spec& spec, const runtime::KernelPolicy& policy);
  runtime::DeviceKind device = runtime::DeviceKind::kCpu;
};

using Conv2dEntry = KernelEntry<Conv2dKernel, Conv2dSpec>;
using LinearEntry = KernelEntry<LinearKernel, LinearSpec>;
using GroupNormEntry = KernelEntry<GroupNormKernel, GroupNormSpec>;
using AttentionEntry = KernelEntry<AttentionKernel, AttentionSpec>;
using GegluEntry = KernelEntry<GegluKernel, GegluSpec>;
using GuideEntry = KernelEntry<GuideKernel, GuideSpec>;
using MixEntry = KernelEntry<MixKernel, MixSpec>;

std::span<const Conv2dEntry> conv2d_entries();
std::span<const LinearEntry> linear_entries();
std::span<const GroupNormEntry> group_norm_entries();
std::span<const AttentionEntry> attention_entries();
std::span<const GegluEntry> geglu_entries();
std::span<const GuideEntry> guide_entries();
std::span<const MixEntry> mix_entries();

/// The first entry that fits; only the last one under a plain policy; for shapes what stands for
/// it.
template <class Kernel, class Spec>
std::unique_ptr<const Kernel> choose_kernel(std::span<const KernelEntry<Kernel, Spec>> entries,
                                            const Spec& spec, const runtime::KernelPolicy& policy) {
  if constexpr (requires { shapes::make_kernel(spec, policy); }) {
    if (policy.shapes != nullptr) return shapes::make_kernel(spec, policy);
  }
  if (!policy.plain) {
    for (const auto& entry : entries) {
      if (entry.device != policy.device || entry.needs > policy.isa) continue;
      if (auto kernel = entry.make(spec, policy)) return kernel;
    }
  }
  return entries.back().make(spec, policy);
}

}  // namespace sd::kernels
