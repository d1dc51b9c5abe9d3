#pragma once

#include "cli/commands/commands.h"

namespace sd::cli {

/// Adds all flags and commands to the program.
void add_commands(CLI::App* program, RunFn* run);

/// The whole program: reads the flags, runs the subcommand, prints errors as `error: …` and
/// `hint: …` on stderr. Returns the exit code: 0, or the number of an ErrorKind.
int run_program(int argc, const char* const* argv);

}  // namespace sd::cli
