#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/table.h"

namespace sd::test {

/// The entries of a table that compute in float32 on this processor, and so have to be compared
/// with the last one; with `bf16` those that compute in bfloat16.
template <class Kernel, class Spec>
std::vector<std::string> entries_of_this_processor(
    std::span<const kernels::KernelEntry<Kernel, Spec>> entries, bool bf16 = false) {
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    if (entry.device != runtime::DeviceKind::kCpu || entry.needs > runtime::probe_isa()) continue;
    if (std::string_view(entry.name).ends_with("-bf16") == bf16) names.emplace_back(entry.name);
  }
  return names;
}

/// All of them, or the last one alone. Winograd's take 3x3 filters that keep the size, on
/// eight channels or more; those of GEGLU take up to 1280 inputs.
inline std::vector<std::string> entries_that_fit(std::span<const kernels::Conv2dEntry> entries,
                                                 const kernels::Conv2dSpec& spec) {
  const bool fits = spec.weight.size(2) == 3 && spec.weight.size(3) == 3 && spec.stride == 1 &&
                    spec.padding == 1 && spec.weight.size(1) >= 8;
  return fits ? entries_of_this_processor(entries) : std::vector<std::string>{entries.back().name};
}
inline std::vector<std::string> entries_that_fit(std::span<const kernels::GegluEntry> entries,
                                                 const kernels::GegluSpec& spec) {
  return spec.weight.size(1) <= 1280 ? entries_of_this_processor(entries)
                                     : std::vector<std::string>{entries.back().name};
}
template <class Kernel, class Spec>
std::vector<std::string> entries_that_fit(
    std::span<const kernels::KernelEntry<Kernel, Spec>> entries, const Spec&) {
  return entries_of_this_processor(entries);
}

/// Calls `check` with the kernel of each entry of the processor that fits the spec in float32.
/// Fails where these are not just those that should.
template <class Kernel, class Spec, class Check>
void for_each_entry(std::span<const kernels::KernelEntry<Kernel, Spec>> entries, const Spec& spec,
                    const Check& check) {
  const runtime::KernelPolicy policy{.isa = runtime::probe_isa()};
  std::vector<std::string> compared;
  for (const auto& entry : entries) {
    SCOPED_TRACE(entry.name);
    if (entry.device != runtime::DeviceKind::kCpu || entry.needs > runtime::probe_isa()) continue;
    const auto kernel = entry.make(spec, policy);
    if (kernel == nullptr) continue;
    compared.emplace_back(entry.name);
    check(*kernel);
  }
  EXPECT_EQ(compared, entries_that_fit(entries, spec));
}

/// Calls `check` with the kernel of each entry that fits the spec under `rounded`, a policy with
/// bfloat16, and not without. Fails where these are not the bfloat16 entries of the processor.
template <class Kernel, class Spec, class Check>
void for_each_rounded_entry(std::span<const kernels::KernelEntry<Kernel, Spec>> entries,
                            const Spec& spec, const runtime::KernelPolicy& rounded,
                            const Check& check) {
  std::vector<std::string> compared;
  for (const auto& entry : entries) {
    SCOPED_TRACE(entry.name);
    if (entry.device != runtime::DeviceKind::kCpu || entry.needs > runtime::probe_isa()) continue;
    if (entry.make(spec, {.isa = runtime::probe_isa()}) != nullptr) continue;
    const auto kernel = entry.make(spec, rounded);
    if (kernel == nullptr) continue;
    compared.emplace_back(entry.name);
    check(*kernel);
  }
  EXPECT_EQ(compared, entries_of_this_processor(entries, /*bf16=*/true));
}

}  // namespace sd::test
