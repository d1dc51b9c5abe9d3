#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sd/settings.h"

namespace sd::job {

/// A named set of settings.
struct Preset {
  std::string name;
  std::string help;
  std::vector<std::pair<std::string, std::string>> values;  ///< by key in the table of settings
  /// How well it draws, and on what that was measured; docs/samplers.md has the table.
  std::string measured = {};
  /// The model that it is for, where not every one will do.
  std::string needs = {};
  /// A file that comes with the program: the built-in model's adapter for it.
  std::string adapter = {};
};

/// Those that come with the program.
std::span<const Preset> presets();

/// Adds the preset's adapter where the built-in model is drawn with and no other adapter is named.
void take_adapter(const Preset& preset, Settings* settings);

/// What is worth a word before a run with the preset: what was measured, and that nothing which it
/// needs is named by the settings.
std::vector<std::string> words_about(const Preset& preset, const Settings& settings);

/// The one of that name; null if none has it.
const Preset* find_preset(const std::string& name);

std::vector<std::string> preset_names();

}  // namespace sd::job
