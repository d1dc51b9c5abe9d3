#pragma once

#include <vector>

#include "pipeline/conditioning.h"
#include "pipeline/contexts.h"
#include "sd/progress.h"
#include "sd/request.h"

namespace sd::pipeline {

/// What the prompts of a batch say, the negative ones encoded first, as in the reference.
Conditioning encode_prompts(const Request& request, const text::PromptTimeline& timeline,
                            const ProgressFn& progress, Contexts* contexts);

/// The contexts of the first evaluation, [N, T, width] each, the negative ones first; without those
/// that differ in length.
std::vector<at::Tensor> first_contexts(const Conditioning& conditioning);

}  // namespace sd::pipeline
