#pragma once

#include <functional>
#include <string>

// All that the program says on stderr goes through here, as `printable` shows it.

namespace sd {

/// How much the program says on stderr besides errors.
enum class Verbosity { kQuiet, kNormal, kVerbose };

/// Sets what `notice` and `detail` print from now on. Not thread-safe: call it once, at start-up.
void set_verbosity(Verbosity verbosity);
Verbosity verbosity();

/// What every line that this thread says begins with from now on.
void set_log_label(const std::string& label);

/// Whether a line came from `detail`, `notice` or `complain`.
enum class LogKind { kDetail, kNotice, kComplaint };

/// Where lines go from now on, in place of `write_line`, which null stands for. Any thread may call
/// it. Returns what was there. Not thread-safe.
using LogSink = std::function<void(LogKind kind, const std::string& line)>;
LogSink set_log_sink(LogSink sink);

/// A line for the user: what was decided, what was left out. Silent under --quiet.
void notice(const std::string& line);

/// A line for those who asked for more (-v).
void detail(const std::string& line);

/// A line that --quiet does not silence, such as an error; without the thread's label.
void complain(const std::string& line);

/// A line on stderr, past the sink; "error:" and "hint:" at its start in colour where that is
/// wanted.
void write_line(const std::string& line);

/// Lines of our own that --quiet does not silence.
void complain_lines(const std::string& text);

/// Writes to the terminal what this program itself has made for it, with its controls.
void write_controls(const std::string& bytes);

/// Draws the line at the terminal's cursor again, without ending it. Empty: takes it away.
void redraw_line(const std::string& line);

}  // namespace sd
