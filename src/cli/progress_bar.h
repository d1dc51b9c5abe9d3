#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sd/progress.h"

namespace sd {

/// Shows a run's progress on stderr: on a terminal one line that is drawn again and again, with
/// s/it and the time left of this batch; elsewhere a plain line now and then. Silent under --quiet.
class ProgressBar {
 public:
  enum class Style { kSilent, kPlain, kTerminal };

  /// `batches`: of the whole run.
  ProgressBar(Style style, int64_t batches) : style_(style), batches_(batches) {}
  ~ProgressBar() { clear(); }

  /// kTerminal if stderr is one, kSilent under --quiet.
  static Style style_of_stderr();

  void begin_batch() { ++batch_; }
  void show(const ProgressEvent& event);

  /// Takes the line away, so that other output has the terminal for itself.
  void clear();

 private:
  void show_on_terminal(const ProgressEvent& event);
  void show_plain(const ProgressEvent& event);
  std::string batch_label() const;

  Style style_;
  int64_t batches_;
  int64_t batch_ = 0;
  bool drawn_ = false;
  Stage last_stage_ = Stage::kLoad;
  int last_step_ = -1;
  std::chrono::steady_clock::time_point last_line_ = {};
};

/// "0:07", "12:30", "1:02:03".
std::string clock_time(double seconds);

}  // namespace sd
