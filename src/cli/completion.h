#pragma once

#include <string>
#include <vector>

#include "cli/command_page.h"

namespace sd::cli {

/// The shells that have a completion: "bash", "zsh", "fish".
std::vector<std::string> completion_shells();

/// The script that makes the shell complete commands, flags, and the values and files of flags, of
/// the program under the names "sd" and "stable-diffusion". It calls nothing of the program.
/// `program`: its page. Throws Error(kUsage) for another shell.
std::string completion_script(const CommandPage& program, const std::string& shell);

}  // namespace sd::cli
