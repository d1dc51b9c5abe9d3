#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "text/chunks.h"
#include "text/prompt_schedule.h"

namespace sd::cli {

/// How the web UI's syntax reads a text: "attention" (lists of [text, weight]), "schedule" (lists
/// of [last step, text]), "and" ([text, weight]), "chunks" (of the text itself: "tokens",
/// "multipliers", "fixes" as [offset, embedding]) and "token_count". `<lora:…>` is not cut out.
/// A text that cannot be read has "error" alone.
nlohmann::json webui_prompt_json(const std::string& text, const text::PromptTimeline& timeline,
                                 const text::ChunkArgs& args);

}  // namespace sd::cli
