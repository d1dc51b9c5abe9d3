#pragma once

#include <string>
#include <vector>

#include "cli/command_page.h"

// One function a shell; the table is in cli/completion.cc.

namespace sd::cli {

std::string bash_completion(const CommandPage& program);
std::string zsh_completion(const CommandPage& program);
std::string fish_completion(const CommandPage& program);

/// All words that name the flag: "--n_samples", "--n-samples", "-q".
std::vector<std::string> flag_words(const FlagPage& flag);

/// Whether the flag goes with the part of its command, or the part is not chosen yet.
bool goes_with(const FlagPage& flag, const std::string& part);

/// The text with `to` for each `from`.
std::string replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace sd::cli
