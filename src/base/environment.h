#pragma once

#include <filesystem>
#include <string>

namespace sd {

/// A variable of the environment; empty where it is not set.
std::string variable(const char* name);

/// A folder of the user's, of the XDG Base Directory Specification: what the variable (such as
/// XDG_CONFIG_HOME) says, else `below_home` (such as .config) in the home folder. Empty where
/// neither is known. Paths that are not absolute do not count.
std::filesystem::path user_folder(const char* variable_name, const char* below_home);

}  // namespace sd
