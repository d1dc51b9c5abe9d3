#pragma once

#include <string>
#include <vector>

#include "job/presets.h"
#include "job/setting_layers.h"

namespace sd::cli {

/// Whether a settings file comes from a place that may be another's.
enum class Trust {
  kFull,
  kProject,  ///< ./sd.toml: it may set no path, no output, no job and nothing of safety
};

/// What a settings file says (settings_lines.h has its form). Keys are those of the table of
/// settings, or flags without their dashes. A section [txt2img] or [img2img] is for that script,
/// [preset.NAME] is a preset, and what stands before them is for both scripts.
struct SettingsFile {
  job::SettingLayer layer;           ///< for the script that was asked for
  std::vector<job::Preset> presets;  ///< by keys of the table
};

/// `origin`: the file's name in messages. Throws Error(kUsage), naming file and line, for what
/// is no such file, for an unknown key, for one that is set twice, and for what `trust` forbids.
SettingsFile parse_settings(const std::string& text, const std::string& origin, Script script,
                            Trust trust);

/// The setting that a command line can set under that key or flag, with dashes or underscores; null
/// if there is none.
const job::Setting* setting_named(const std::string& name);

}  // namespace sd::cli
