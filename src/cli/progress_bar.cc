#include "cli/progress_bar.h"

#include <unistd.h>

#include <cstdio>

#include "base/log.h"
#include "base/strings.h"

namespace sd {
namespace {

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kLoad:
      return "load";
    case Stage::kText:
      return "text";
    case Stage::kEncode:
      return "encode";
    case Stage::kSample:
      return "sample";
    case Stage::kDecode:
      return "decode";
  }
  return "";
}

/// "1.25 s/it", or "8.0 it/s" where steps are fast.
std::string rate(double seconds, int steps) {
  const double each = seconds / steps;
  return each >= 1 ? format("%.2f s/it", each) : format("%.3f s/it", each);
}

}  // namespace

ProgressBar::Style ProgressBar::style_of_stderr() {
  if (verbosity() == Verbosity::kQuiet) return Style::kSilent;
  return isatty(STDERR_FILENO) == 1 ? Style::kTerminal : Style::kPlain;
}

std::string ProgressBar::batch_label() const {
  if (batches_ <= 1) return "";
  return format(" (batch %lld of %lld)", static_cast<long long>(batch_),
                static_cast<long long>(batches_));
}

void ProgressBar::show(const ProgressEvent& event) {
  if (style_ == Style::kSilent) return;
  if (event.stage == last_stage_ && event.step == last_step_) return;
  if (event.stage == Stage::kSample || event.stage == Stage::kDecode) {
    if (style_ == Style::kTerminal) {
      show_on_terminal(event);
    } else {
      show_plain(event);
    }
  }
  last_stage_ = event.stage;
  last_step_ = event.step;
}

void ProgressBar::show_on_terminal(const ProgressEvent& event) {
  constexpr int kWidth = 24;
  const int filled = event.total > 0 ? kWidth * event.step / event.total : 0;
  std::string line = format("%-6s [", stage_name(event.stage));
  for (int i = 0; i < kWidth; ++i) line += i < filled ? "█" : "·";
  line += format("] %d/%d", event.step, event.total);
  if (event.step > 0) {
    const double left = event.seconds / event.step * (event.total - event.step);
    line += "  " + rate(event.seconds, event.step) + "  " + clock_time(left) + " left";
  }
  redraw_line(line + batch_label());
  drawn_ = true;
}

void ProgressBar::show_plain(const ProgressEvent& event) {
  constexpr auto kBetweenLines = std::chrono::seconds(15);
  const auto now = std::chrono::steady_clock::now();
  const bool begins = event.stage != last_stage_;
  const bool ends = event.step == event.total;
  if (event.stage == Stage::kDecode && !ends) return;
  if (!begins && !ends && now - last_line_ < kBetweenLines) return;
  last_line_ = now;
  std::string line = format("%s %d/%d", stage_name(event.stage), event.step, event.total);
  if (event.step > 0) line += ", " + rate(event.seconds, event.step);
  complain(line + batch_label());
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
