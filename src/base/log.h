#pragma once

#include <string>

namespace sd {

/// How much the program says on stderr besides errors.
enum class Verbosity { kQuiet, kNormal, kVerbose };

/// Sets what `notice` and `detail` print from now on. Not thread-safe: call it once, at start-up.
void set_verbosity(Verbosity verbosity);
Verbosity verbosity();

/// What every line that this thread says begins with from now on.
void set_log_label(const std::string& label);

/// A line for the user: what was decided, what was left out. Silent under --quiet.
void notice(const std::string& line);

/// A line for those who asked for more (-v).
void detail(const std::string& line);

}  // namespace sd
