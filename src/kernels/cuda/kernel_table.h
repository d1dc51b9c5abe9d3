#pragma once

#include <memory>

#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/sampler_step.h"

namespace sd::cuda {

/// What libsd_cuda.so offers under the name "kernels". Raise the version with every change of this
/// struct, or of a type that it speaks of.
struct KernelTable {
  static constexpr const char* kName = "kernels";
  static constexpr int kVersion = 3;

  /// Null where the kernel does not fit the spec.
  std::unique_ptr<const GroupNormKernel> (*make_group_norm)(const GroupNormSpec& spec);
  std::unique_ptr<const GegluKernel> (*make_geglu)(const GegluSpec& spec);
  std::unique_ptr<const SamplerStepKernel> (*make_sampler_step)(const SamplerStepSpec& spec);
};

}  // namespace sd::cuda
