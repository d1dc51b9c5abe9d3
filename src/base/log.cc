#include "base/log.h"

#include <cstdio>
#include <utility>

#include "base/printable.h"
#include "base/strings.h"

namespace sd {
namespace {

Verbosity current = Verbosity::kNormal;
thread_local std::string label_of_thread;

void write_raw(const std::string& text) {
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

void write_line(const std::string& line) { write_raw(printable(line, std::string::npos) + "\n"); }

void complain_lines(const std::string& text) { write_raw(printable_lines(text)); }

void redraw_line(const std::string& line) {
  constexpr const char* kClear = "\r\033[K";
  write_raw(kClear + printable(line, std::string::npos));
}

}  // namespace sd
