#pragma once

#include <CLI/CLI.hpp>

#include <memory>

#include "job/options.h"

namespace sd {

/// Adds the flags of the script to `app`, bound to `options`, which must outlive it.
void add_run_flags(CLI::App* app, RunOptions* options);

/// Adds those that a line of a prompt file may have.
void add_line_flags(CLI::App* app, Script script, PictureOptions* options);

/// Adds --quiet and --verbose.
void add_verbosity_flags(CLI::App* app);

/// A help page that shows one spelling of each flag, the reference's.
std::shared_ptr<CLI::Formatter> help_formatter();

}  // namespace sd
