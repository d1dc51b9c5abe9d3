#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "job/batch_plan.h"
#include "job/line_breaks.h"

namespace sd::cli {

/// The longest line that is read as a prompt or a request: 1 MiB.
inline constexpr size_t kMostBytesOfLine = size_t{1} << 20;

/// The lines of --from-file; none where it is not given. Each is
///   a prompt, as the reference takes it: all of the line, an empty line being the empty prompt;
///   a prompt and flags of its own: a cat --seed 7 --W 640 --negative-prompt "a dog". The first
///   word that starts with two dashes and a letter ends the prompt;
///   flags alone, as the web UI's script for prompt files takes them: --prompt a cat --cfg_scale 5
///   --negative_prompt a dog; the words up to the next flag are one prompt;
///   in a file of JSON Lines (its name ends in .jsonl, or it starts with {"), an object with
///   "prompt" and the flags by their names; blank lines count for nothing.
/// What a line does not set it takes from the command line. Throws Error(kFile) when the file
/// cannot be read and kUsage when it holds no line; what is wrong with one line is in its
/// `problem`.
std::vector<job::PromptLine> read_prompt_lines(const Settings& settings);

/// One line of such a file; `json`: of JSON Lines.
job::PromptLine parse_prompt_line(const std::string& line, int64_t number, bool json,
                                  const Settings& settings);

/// Sets what an object of JSON Lines says. Throws Error(kUsage).
void set_by_members(const nlohmann::json& object, Script script, LineSettings* settings);

/// Words as a shell splits them: at white space outside of quotes; within "…" a backslash takes a
/// quote or a backslash as it is and stays before all else ("\(" of a prompt), within '…' nothing
/// is special. Outside of quotes a backslash is a character. Throws Error(kUsage) for a quote that
/// does not end.
std::vector<std::string> split_words(const std::string& text);

}  // namespace sd::cli
