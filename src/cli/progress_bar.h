#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>

#include "job/reporter.h"

namespace sd::cli {

/// Shows a run's progress on stderr: on a terminal one line that is drawn again and again
/// (`progress_line`); elsewhere, and where TERM is "dumb", a plain line now and then. Silent under
/// --quiet.
class ProgressBar {
 public:
  enum class Style { kSilent, kPlain, kTerminal };

  explicit ProgressBar(Style style) : style_(style) {}
  ~ProgressBar() { clear(); }

  /// kTerminal if stderr is a live one, kSilent under --quiet.
  static Style style_of_stderr();

  void show(const job::RunProgress& progress);

  /// Takes the line away, so that other output has the terminal for itself.
  void clear();
  /// Takes the line away until `write` returns, then shows it again below what was written.
  void step_aside(const std::function<void()>& write);

 private:
  void show_on_terminal(const job::RunProgress& progress);
  void show_plain(const ProgressEvent& event, bool new_batch, const std::string& label);

  Style style_;
  bool drawn_ = false;
  std::string line_;  // that was drawn last
  int64_t last_batch_ = 0;
  Stage last_stage_ = Stage::kLoad;
  int last_step_ = -1;
  std::chrono::steady_clock::time_point last_line_ = {};
};

/// The line of a terminal that is so wide: a bar, the step, and as much as there is room for of the
/// picture's number of all, the time left, the time of day of the end, seconds a step, and pictures
/// an hour. It is shorter than `columns`, but for the step of a terminal of less than 20.
std::string progress_line(const job::RunProgress& progress, int columns, std::time_t now);

/// "0:07", "12:30", "1:02:03".
std::string clock_time(double seconds);

}  // namespace sd::cli
