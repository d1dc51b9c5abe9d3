#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace sd {
namespace {

/// The variable's value; empty where it is not set.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

int terminal_columns(int descriptor) {
  constexpr int kUsual = 80, kMost = 10'000;
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int columns = std::atoi(std::string(variable("COLUMNS")).c_str());
  return columns > 0 && columns < kMost ? columns : kUsual;
}

int terminal_rows(int descriptor) {
  constexpr int kUsual = 24;
  winsize size = {};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : kUsual;
}

bool is_live_terminal(int descriptor) {
  const std::string_view term = variable("TERM");
  return isatty(descriptor) == 1 && !term.empty() && term != "dumb";
}

bool wants_colour(int descriptor) {
  if (!variable("NO_COLOR").empty()) return false;
  const std::string_view force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return is_live_terminal(descriptor);
}

}  // namespace sd
