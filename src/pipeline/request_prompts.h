#pragma once

#include <string>
#include <vector>

#include "sd/request.h"
#include "text/prompt_schedule.h"
#include "text/prompt_syntax.h"

namespace sd::pipeline {

/// The texts of a prompt, which AND joins.
std::vector<text::PromptPart> parts_of(const std::string& prompt, const PromptSettings& settings);

/// Whether the negative prompts are encoded: for guidance, and for texts joined by AND, which are
/// weighed against them.
bool needs_negatives(const Request& request);

/// What the steps in prompts are measured against: the evaluations of the network, as in the web
/// UI. `first_pass`: those of the pass before it, where there is one.
text::PromptTimeline timeline_of(const Request& request, int64_t first_pass = 0);

/// Throws Error(kUsage) for a prompt that its syntax does not take, and for settings that no model
/// has.
void check_prompts(const Request& request);

}  // namespace sd::pipeline
