#include "base/log.h"

#include <cstdio>

namespace sd {
namespace {

Verbosity current = Verbosity::kNormal;

void print_line(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
}

}  // namespace

void set_verbosity(Verbosity verbosity) { current = verbosity; }
Verbosity verbosity() { return current; }

void notice(const std::string& line) {
  if (current != Verbosity::kQuiet) print_line(line);
}

void detail(const std::string& line) {
  if (current == Verbosity::kVerbose) print_line(line);
}

}  // namespace sd
