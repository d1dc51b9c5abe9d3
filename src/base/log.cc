#include "base/log.h"

#include <cstdio>

namespace sd {
namespace {

Verbosity current = Verbosity::kNormal;
thread_local std::string label_of_thread;

void print_line(const std::string& line) {
  std::fprintf(stderr, "%s%s\n", label_of_thread.c_str(), line.c_str());
  std::fflush(stderr);
}

}  // namespace

void set_verbosity(Verbosity verbosity) { current = verbosity; }
Verbosity verbosity() { return current; }

void set_log_label(const std::string& label) { label_of_thread = label; }

void notice(const std::string& line) {
  if (current != Verbosity::kQuiet) print_line(line);
}

void detail(const std::string& line) {
  if (current == Verbosity::kVerbose) print_line(line);
}

}  // namespace sd
