#pragma once

#include <memory>

#include "kernels/geglu.h"
#include "kernels/group_norm.h"
#include "kernels/sampler_step.h"

namespace sd::cuda::device {

/// Weights on a card, of any floating type.
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec);
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec);
std::unique_ptr<const SamplerStepKernel> make_sampler_step(const SamplerStepSpec& spec);

}  // namespace sd::cuda::device
