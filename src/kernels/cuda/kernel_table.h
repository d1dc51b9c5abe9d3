#pragma once

#include <memory>

#include "kernels/conv2d.h"
#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/guide.h"
#include "kernels/mix.h"

namespace sd::kernels::cuda {

/// What libsd_cuda.so offers under the name "kernels". Raise the version with every change of this
/// struct, or of a type that it speaks of.
struct KernelTable {
  static constexpr const char* kName = "kernels";
  static constexpr int kVersion = 5;

  /// Null where the kernel does not fit the spec.
  std::unique_ptr<const Conv2dKernel> (*make_conv2d)(const Conv2dSpec& spec);
  std::unique_ptr<const GroupNormKernel> (*make_group_norm)(const GroupNormSpec& spec);
  std::unique_ptr<const GegluKernel> (*make_geglu)(const GegluSpec& spec);
  std::unique_ptr<const GuideKernel> (*make_guide)(const GuideSpec& spec);
  std::unique_ptr<const MixKernel> (*make_mix)(const MixSpec& spec);
};

}  // namespace sd::kernels::cuda
