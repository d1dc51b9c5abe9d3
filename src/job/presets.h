#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sd {

/// A named set of settings.
struct Preset {
  std::string name;
  std::string help;
  std::vector<std::pair<std::string, std::string>> values;  ///< by key in the table of settings
};

/// Those that come with the program.
std::span<const Preset> presets();

/// The one of that name; null if none has it.
const Preset* find_preset(const std::string& name);

std::vector<std::string> preset_names();

}  // namespace sd
