#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/table.h"

namespace sd::test {

/// The rows of a table that compute in float32 on this processor, and so have to be compared with
/// the last one; with `bf16` those that compute in bfloat16.
template <class Kernel, class Spec>
std::vector<std::string> rows_of_this_processor(std::span<const KernelRow<Kernel, Spec>> rows,
                                                bool bf16 = false) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (row.device != DeviceKind::kCpu || row.needs > probe_isa()) continue;
    if (std::string_view(row.name).ends_with("-bf16") == bf16) names.emplace_back(row.name);
  }
  return names;
}

/// All of them, or the last one alone. Winograd's rows take 3x3 filters that keep the size, on
/// eight channels or more; those of GEGLU take up to 1280 inputs.
inline std::vector<std::string> rows_that_fit(std::span<const Conv2dRow> rows,
                                              const Conv2dSpec& spec) {
  const bool fits = spec.weight.size(2) == 3 && spec.weight.size(3) == 3 && spec.stride == 1 &&
                    spec.padding == 1 && spec.weight.size(1) >= 8;
  return fits ? rows_of_this_processor(rows) : std::vector<std::string>{rows.back().name};
}
inline std::vector<std::string> rows_that_fit(std::span<const GegluRow> rows,
                                              const GegluSpec& spec) {
  return spec.weight.size(1) <= 1280 ? rows_of_this_processor(rows)
                                     : std::vector<std::string>{rows.back().name};
}
template <class Kernel, class Spec>
std::vector<std::string> rows_that_fit(std::span<const KernelRow<Kernel, Spec>> rows, const Spec&) {
  return rows_of_this_processor(rows);
}

/// Calls `check` with the kernel of each row of the processor that fits the spec in float32. Fails
/// where these are not just those that should.
template <class Kernel, class Spec, class Check>
void for_each_row(std::span<const KernelRow<Kernel, Spec>> rows, const Spec& spec,
                  const Check& check) {
  const KernelPolicy policy{.isa = probe_isa()};
  std::vector<std::string> compared;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    if (row.device != DeviceKind::kCpu || row.needs > probe_isa()) continue;
    const auto kernel = row.make(spec, policy);
    if (kernel == nullptr) continue;
    compared.emplace_back(row.name);
    check(*kernel);
  }
  EXPECT_EQ(compared, rows_that_fit(rows, spec));
}

/// Calls `check` with the kernel of each row that fits the spec under `rounded`, a policy with
/// bfloat16, and not without. Fails where these are not the bfloat16 rows of the processor.
template <class Kernel, class Spec, class Check>
void for_each_rounded_row(std::span<const KernelRow<Kernel, Spec>> rows, const Spec& spec,
                          const KernelPolicy& rounded, const Check& check) {
  std::vector<std::string> compared;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    if (row.device != DeviceKind::kCpu || row.needs > probe_isa()) continue;
    if (row.make(spec, {.isa = probe_isa()}) != nullptr) continue;
    const auto kernel = row.make(spec, rounded);
    if (kernel == nullptr) continue;
    compared.emplace_back(row.name);
    check(*kernel);
  }
  EXPECT_EQ(compared, rows_of_this_processor(rows, /*bf16=*/true));
}

}  // namespace sd::test
