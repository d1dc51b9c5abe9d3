#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "job/setting_layers.h"

namespace sd::cli {

/// Which sources of settings a run reads beside its flags.
struct LayerFlags {
  std::string preset;
  std::string file;   ///< of --settings
  bool none = false;  ///< no file and no variable
};

/// Adds --preset, --settings and --no-settings.
void add_layer_flags(CLI::App* command, LayerFlags* flags);

/// The sources below the command line, the last one winning: the user's file
/// ($XDG_CONFIG_HOME/stable-diffusion/settings.toml, else ~/.config/…), ./sd.toml, of which a line
/// says that it was read, variables SD_SET_NAME, the file of --settings, and the preset. None of
/// the files and variables where SD_NO_SETTINGS is set. Throws Error(kUsage), and Error(kFile) for
/// a file that cannot be read.
job::LayeredSettings read_layers(const LayerFlags& flags, Script script);

/// Puts what the flags of `command` have set, which is in `*settings`, above those sources.
void put_over_layers(const LayerFlags& flags, CLI::App* command, Settings* settings);

}  // namespace sd::cli
