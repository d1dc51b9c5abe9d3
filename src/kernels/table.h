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

namespace sd {

/// One way to compute an operation. `make` returns null where the row does not fit the spec or the
/// policy; it is called only for tensors on the row's device, and where the processor has what the
/// row needs. The last row of every table fits everything on every device and is plain ATen.
template <class Kernel, class Spec>
struct KernelRow {
  const char* name;
  Isa needs;
  std::unique_ptr<const Kernel> (*make)(const Spec& spec, const KernelPolicy& policy);
  DeviceKind device = DeviceKind::kCpu;
};

using Conv2dRow = KernelRow<Conv2dKernel, Conv2dSpec>;
using LinearRow = KernelRow<LinearKernel, LinearSpec>;
using GroupNormRow = KernelRow<GroupNormKernel, GroupNormSpec>;
using AttentionRow = KernelRow<AttentionKernel, AttentionSpec>;
using GegluRow = KernelRow<GegluKernel, GegluSpec>;
using GuideRow = KernelRow<GuideKernel, GuideSpec>;
using MixRow = KernelRow<MixKernel, MixSpec>;

std::span<const Conv2dRow> conv2d_rows();
std::span<const LinearRow> linear_rows();
std::span<const GroupNormRow> group_norm_rows();
std::span<const AttentionRow> attention_rows();
std::span<const GegluRow> geglu_rows();
std::span<const GuideRow> guide_rows();
std::span<const MixRow> mix_rows();

/// The first row that fits; only the last one under a plain policy; for shapes what stands for it.
template <class Kernel, class Spec>
std::unique_ptr<const Kernel> choose_kernel(std::span<const KernelRow<Kernel, Spec>> rows,
                                            const Spec& spec, const KernelPolicy& policy) {
  if constexpr (requires { shapes::make_kernel(spec, policy); }) {
    if (policy.shapes != nullptr) return shapes::make_kernel(spec, policy);
  }
  if (!policy.plain) {
    for (const auto& row : rows) {
      if (row.device != policy.device || row.needs > policy.isa) continue;
      if (auto kernel = row.make(spec, policy)) return kernel;
    }
  }
  return rows.back().make(spec, policy);
}

}  // namespace sd
