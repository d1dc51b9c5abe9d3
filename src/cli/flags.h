#pragma once

#include <CLI/CLI.hpp>

#include <span>
#include <string>

#include "job/settings.h"

namespace sd::cli {

/// Adds the flags of the script to `app`, bound to `settings`, which must outlive it.
void add_run_flags(CLI::App* app, Settings* settings);

/// Adds those that a line of a prompt file may have.
void add_line_flags(CLI::App* app, Script script, LineSettings* settings);

/// The headings of the help page, in its order.
std::span<const job::SettingGroup> all_groups();
const char* title_of(job::SettingGroup group);

/// Whether the command line has a flag for it.
bool is_command_flag(const job::Setting& setting);

/// What the help page calls the default; empty: there is none to tell.
std::string default_of(const job::Setting& setting, const Settings& settings);

/// Adds --quiet and --verbose.
void add_verbosity_flags(CLI::App* app);

}  // namespace sd::cli
