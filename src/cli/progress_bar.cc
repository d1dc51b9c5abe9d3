#include "cli/progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/log.h"
#include "base/terminal.h"
#include "base/words.h"
#include "base/wrap.h"

namespace sd::cli {
namespace {

/// "1.25 s/it", or "8.0 it/s" where steps are fast.
std::string rate(double seconds, int steps) {
  const double each = seconds / steps;
  return each >= 1 ? fmt::format("{:.2f} s/it", each) : fmt::format("{:.3f} s/it", each);
}

std::string batch_label(const job::RunProgress& progress) {
  if (progress.batches <= 1) return "";
  return fmt::format(" (batch {} of {})", progress.batch, progress.batches);
}

/// How much of the run's batches is done, from 0 to 1.
double share_done(const job::RunProgress& progress) {
  const ProgressEvent& event = progress.event;
  const double within = event.stage == Stage::kSample && event.total > 0
                            ? static_cast<double>(event.step) / event.total
                            : 0;
  return (static_cast<double>(progress.batch - 1) + within) /
         static_cast<double>(std::max<int64_t>(progress.batches, 1));
}

/// Seconds until the run ends; nothing where that cannot be told.
std::optional<double> seconds_left(const job::RunProgress& progress) {
  if (progress.seconds_left) return progress.seconds_left;
  const ProgressEvent& event = progress.event;
  if (progress.batches > 1 || event.step == 0) return std::nullopt;
  return event.seconds / event.step * (event.total - event.step);
}

std::string time_of_day(std::time_t when) {
  std::tm local = {};
  localtime_r(&when, &local);
  return fmt::format("{:02}:{:02}", local.tm_hour, local.tm_min);
}

/// What a line says beside the bar, the most important first.
std::vector<std::string> parts_of(const job::RunProgress& progress, std::time_t now) {
  const ProgressEvent& event = progress.event;
  std::vector<std::string> parts;
  if (progress.pictures > 1) {
    const int64_t number = std::min(progress.drawn + 1, progress.pictures);
    parts.push_back(fmt::format("picture {} of {}", number, progress.pictures));
  }
  const auto left = seconds_left(progress);
  if (left) {
    parts.push_back(clock_time(*left) + " left");
    parts.push_back("until " + time_of_day(now + static_cast<std::time_t>(std::llround(*left))));
  }
  if (event.step > 0) parts.push_back(rate(event.seconds, event.step));
  if (left && *left > 0 && progress.pictures > 1) {
    const double pictures = static_cast<double>(progress.pictures) * (1 - share_done(progress));
    parts.push_back(fmt::format("{:.0f} pictures/h", pictures / *left * 3600));
  }
  return parts;
}

std::string bar_of(const ProgressEvent& event, int width) {
  const int filled = event.total > 0 ? width * event.step / event.total : 0;
  std::string bar = "[";
  for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "·";
  return bar + "] ";
}

}  // namespace

std::string progress_line(const job::RunProgress& progress, int columns, std::time_t now) {
  constexpr int kWidest = 24, kNarrowest = 6, kBrackets = 3;
  const ProgressEvent& event = progress.event;
  const std::string stage = fmt::format("{:6} ", word_of(event.stage));
  std::string rest = fmt::format("{}/{}", event.step, event.total);
  const int most = columns - 1 - text_columns(stage);  // the last column stays free
  for (const std::string& part : parts_of(progress, now)) {
    const int bar = kNarrowest + kBrackets;
    if (text_columns(rest) + 2 + text_columns(part) + bar > most) break;
    rest += "  " + part;
  }
  const int room = most - text_columns(rest) - kBrackets;
  const std::string bar = room < kNarrowest ? "" : bar_of(event, std::min(room, kWidest));
  return stage + bar + rest;
}

ProgressBar::Style ProgressBar::style_of_stderr() {
  if (verbosity() == Verbosity::kQuiet) return Style::kSilent;
  return is_live_terminal(STDERR_FILENO) ? Style::kTerminal : Style::kPlain;
}

void ProgressBar::show(const job::RunProgress& progress) {
  if (style_ == Style::kSilent) return;
  const ProgressEvent& event = progress.event;
  const bool new_batch = progress.batch != last_batch_;
  if (!new_batch && event.stage == last_stage_ && event.step == last_step_) return;
  if (event.stage == Stage::kSample || event.stage == Stage::kDecode) {
    if (style_ == Style::kTerminal) {
      show_on_terminal(progress);
    } else {
      show_plain(event, new_batch, batch_label(progress));
    }
  }
  last_batch_ = progress.batch;
  last_stage_ = event.stage;
  last_step_ = event.step;
}

void ProgressBar::show_on_terminal(const job::RunProgress& progress) {
  line_ = progress_line(progress, terminal_columns(STDERR_FILENO), std::time(nullptr));
  redraw_line(line_);
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
  std::string line = fmt::format("{} {}/{}", word_of(event.stage), event.step, event.total);
  if (event.step > 0) line += ", " + rate(event.seconds, event.step);
  write_line(line + label);
}

void ProgressBar::clear() {
  if (!drawn_) return;
  redraw_line("");
  drawn_ = false;
}

void ProgressBar::step_aside(const std::function<void()>& write) {
  const bool was_drawn = drawn_;
  clear();
  write();
  if (!was_drawn) return;
  redraw_line(line_);
  drawn_ = true;
}

std::string clock_time(double seconds) {
  const int64_t whole = std::llround(seconds);
  const auto hours = static_cast<int>(whole / 3600);
  const auto minutes = static_cast<int>(whole / 60 % 60);
  const auto rest = static_cast<int>(whole % 60);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

}  // namespace sd::cli
