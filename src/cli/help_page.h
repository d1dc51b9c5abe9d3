#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "cli/command_page.h"

namespace sd::cli {

/// What --help prints, or with `all` --help-all, in lines of at most `columns` columns.
std::string help_text(const CommandPage& page, bool all, int columns);

/// Makes CLI11 print `help_text` in the width of the terminal, at most 100 columns.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace sd::cli
