#pragma once

#include <string>

#include "job/settings.h"

namespace sd::job {

/// The word as a shell reads it back, any POSIX shell where a terminal may get all its characters;
/// else (joiners of emoji, marks of direction, controls) those that know $'…': bash, zsh, ksh, and
/// POSIX since 2024.
std::string shell_word(const std::string& text);

/// " --steps 20": the setting's flag and a value of `text_values`, for a shell.
std::string flag_words(const Setting& setting, const std::string& value);

/// A command line of this program with those settings, for a shell: "sd txt2img --prompt 'a cat'
/// …".
std::string command_line(const Settings& settings);

}  // namespace sd::job
