#include "cli/progress_bar.h"

#include <unistd.h>

#include <cstdio>

#include "base/log.h"
#include "base/strings.h"
#include "base/words.h"

namespace sd {
namespace {

/// "1.25 s/it", or "8.0 it/s" where steps are fast.
std::string rate(double seconds, int steps) {
  const double each = seconds / steps;
  return each >= 1 ? format("%.2f s/it", each) : format("%.3f s/it", each);
}

std::string batch_label(const RunProgress& progress) {
  if (progress.batches <= 1) return "";
  return format(" (batch %lld of %lld)", static_cast<long long>(progress.batch),
                static_cast<long long>(progress.batches));
}

}  // namespace

ProgressBar::Style ProgressBar::style_of_stderr() {
  if (verbosity() == Verbosity::kQuiet) return Style::kSilent;
  return isatty(STDERR_FILENO) == 1 ? Style::kTerminal : Style::kPlain;
}

void ProgressBar::show(const RunProgress& progress) {
  if (style_ == Style::kSilent) return;
  const ProgressEvent& event = progress.event;
  const bool new_batch = progress.batch != last_batch_;
  if (!new_batch && event.stage == last_stage_ && event.step == last_step_) return;
  if (event.stage == Stage::kSample || event.stage == Stage::kDecode) {
    if (style_ == Style::kTerminal) {
      show_on_terminal(event, batch_label(progress));
    } else {
      show_plain(event, new_batch, batch_label(progress));
    }
  }
  last_batch_ = progress.batch;
  last_stage_ = event.stage;
  last_step_ = event.step;
}

void ProgressBar::show_on_terminal(const ProgressEvent& event, const std::string& label) {
  constexpr int kWidth = 24;
  const int filled = event.total > 0 ? kWidth * event.step / event.total : 0;
  std::string line = format("%-6s [", word_of(event.stage));
  for (int i = 0; i < kWidth; ++i) line += i < filled ? "█" : "·";
  line += format("] %d/%d", event.step, event.total);
  if (event.step > 0) {
    const double left = event.seconds / event.step * (event.total - event.step);
    line += "  " + rate(event.seconds, event.step) + "  " + clock_time(left) + " left";
  }
  redraw_line(line + label);
  drawn_ = true;
}

void ProgressBar::show_plain(const ProgressEvent& event, bool new_batch, const std::string& label) {
  constexpr auto kBetweenLines = std::chrono::seconds(15);
  const auto now = std::chrono::steady_clock::now();
  const bool begins = new_batch || event.stage != last_stage_;
  const bool ends = event.step == event.total;
  if (event.stage == Stage::kDecode && !ends) return;
  if (!begins && !ends && now - last_line_ < kBetweenLines) return;
  last_line_ = now;
  std::string line = format("%s %d/%d", word_of(event.stage), event.step, event.total);
  if (event.step > 0) line += ", " + rate(event.seconds, event.step);
  write_line(line + label);
}

void ProgressBar::clear() {
  if (!drawn_) return;
  redraw_line("");
  drawn_ = false;
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  const auto hours = static_cast<int>(whole / 3600);
  const auto minutes = static_cast<int>(whole / 60 % 60);
  const auto rest = static_cast<int>(whole % 60);
  if (hours > 0) return format("%d:%02d:%02d", hours, minutes, rest);
  return format("%d:%02d", minutes, rest);
}

}  // namespace sd
