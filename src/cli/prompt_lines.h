#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "job/batch_plan.h"

namespace sd {

/// The lines of --from-file; none where it is not given. Each is
///   a prompt, as the reference takes it: all of the line, an empty line being the empty prompt;
///   a prompt and flags of its own: a cat --seed 7 --W 640 --negative-prompt "a dog". The first
///   word that starts with two dashes and a letter ends the prompt; in a file of JSON Lines (its
///   name ends in .jsonl, or it starts with {"), an object with "prompt" and the flags by their
///   names; blank lines count for nothing.
/// What a line does not set it takes from the command line. Throws Error(kFile) when the file
/// cannot be read and kUsage when it holds no line; what is wrong with one line is in its
/// `problem`.
std::vector<PromptLine> read_prompt_lines(const Settings& settings);

/// What ends a line.
enum class LineBreaks {
  kPython,  ///< all that str.splitlines takes for it, U+2028 among them
  kJson,    ///< only what cannot stand within a JSON text
};

/// The lines of a prompt file as the reference splits it: an empty line is an empty prompt, a last
/// line need not end, and a byte order mark at the start is left out.
std::vector<std::string> split_lines(const std::string& text,
                                     LineBreaks breaks = LineBreaks::kPython);

/// Words as a shell splits them: at white space outside of quotes; within "…" a backslash takes the
/// next character as it is, within '…' nothing is special. Throws Error(kUsage) for a quote that
/// does not end.
std::vector<std::string> split_words(const std::string& text);

}  // namespace sd
