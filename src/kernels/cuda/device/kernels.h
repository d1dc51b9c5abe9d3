#pragma once

#include <memory>

#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/guidance.h"

namespace sd::cuda::device {

/// Weights on a card, of any floating type.
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec);
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec);
std::unique_ptr<const GuidanceKernel> make_guidance(const GuidanceSpec& spec);

}  // namespace sd::cuda::device
