#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/printable.h"
#include "base/strings.h"
#include "base/terminal.h"

namespace sd {
namespace {

Verbosity current = Verbosity::kNormal;
thread_local std::string label_of_thread;

void write_to_stderr(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

LogSink& current_sink() {
  static LogSink sink;
  return sink;
}

void say(LogKind kind, const std::string& line) {
  if (const LogSink& sink = current_sink()) return sink(kind, line);
  write_line(line);
}

/// The line with a colour for how it begins.
std::string painted(const std::string& line) {
  constexpr std::pair<std::string_view, const char*> kColours[] = {{"error:", "\033[1;31m"},
                                                                   {"hint:", "\033[36m"}};
  constexpr const char* kPlain = "\033[0m";
  for (const auto& [start, colour] : kColours) {
    if (line.starts_with(start) && wants_colour(STDERR_FILENO)) {
      return colour + std::string(start) + kPlain + line.substr(start.size());
    }
  }
  return line;
}

}  // namespace

void set_verbosity(Verbosity verbosity) { current = verbosity; }
Verbosity verbosity() { return current; }

LogSink set_log_sink(LogSink sink) { return std::exchange(current_sink(), std::move(sink)); }

void set_log_label(const std::string& label) { label_of_thread = label; }

void notice(const std::string& line) {
  if (current != Verbosity::kQuiet) say(LogKind::kNotice, label_of_thread + line);
}

void detail(const std::string& line) {
  if (current == Verbosity::kVerbose) say(LogKind::kDetail, label_of_thread + line);
}

void complain(const std::string& line) { say(LogKind::kComplaint, line); }

void write_line(const std::string& line) {
  write_to_stderr(painted(printable(line, std::string::npos)) + "\n");
}

void complain_lines(const std::string& text) { write_to_stderr(printable_lines(text)); }

void write_controls(const std::string& bytes) { write_to_stderr(bytes); }

void redraw_line(const std::string& line) {
  constexpr const char* kClear = "\r\033[K";
  constexpr const char *kDoNotWrap = "\033[?7l", *kWrap = "\033[?7h";
  if (line.empty()) return write_to_stderr(kClear);
  write_to_stderr(kClear + (kDoNotWrap + printable(line, std::string::npos)) + kWrap);
}

}  // namespace sd
