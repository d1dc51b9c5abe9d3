#pragma once

namespace sd {

/// The whole program: reads the flags, runs the subcommand, prints errors as `error: …` and
/// `hint: …` on stderr. Returns the exit code: 0, or the number of an ErrorKind.
int run_program(int argc, const char* const* argv);

}  // namespace sd
