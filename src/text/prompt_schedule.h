#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sd::text {

/// What a text is up to a step.
struct PromptStage {
  /// The last evaluation, counted from 0, at which the text holds; the stage before ends earlier.
  int64_t until = 0;
  std::string text;

  bool operator==(const PromptStage&) const = default;
};

/// Against what the numbers in `[before:after:N]` are measured.
struct PromptTimeline {
  int64_t steps = 50;      ///< of the pass that draws
  int64_t first_pass = 0;  ///< steps of the pass before it; 0: this is the first
  /// As before version 1.6 of the web UI: N below 1 is a share, point or not, and a second pass
  /// repeats the timeline of the first.
  bool old_editing = false;
};

/// What a text is at each step, the stages in order: `[before:after:N]`, `[after:N]` and
/// `[before::N]` change at N, a share of the steps if it has a point, else a step; `[a|b]` goes to
/// the next option at every step. Texts keep their other brackets.
///
/// This is the grammar of the web UI (modules/prompt_parser.py), read from left to right: a bracket
/// begins an element where a well-formed one starts, else it is text; so is a stray colon. After a
/// stray | or a backslash with nothing behind it, the whole text is taken literally.
/// Time linear in the length of the text and of the result. Throws Error(kUsage) for a step that is
/// infinite.
std::vector<PromptStage> schedule_prompt(std::string_view utf8, const PromptTimeline& timeline);

/// The stage that holds at an evaluation, counted from 0, by the ends of all (`until`): the first
/// again behind the last one's end, as in the web UI.
size_t stage_at(std::span<const int64_t> ends, int64_t evaluation);

}  // namespace sd::text
