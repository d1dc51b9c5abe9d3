#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/environment.h"

namespace sd {

int terminal_columns(int descriptor) {
  constexpr int kUsual = 80, kMost = 10'000;
  winsize size = {};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int columns = std::atoi(variable("COLUMNS").c_str());
  return columns > 0 && columns < kMost ? columns : kUsual;
}

int terminal_rows(int descriptor) {
  constexpr int kUsual = 24;
  winsize size = {};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : kUsual;
}

bool is_live_terminal(int descriptor) {
  const std::string term = variable("TERM");
  return isatty(descriptor) == 1 && !term.empty() && term != "dumb";
}

bool wants_colour(int descriptor) {
  if (!variable("NO_COLOR").empty()) return false;
  const std::string force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return is_live_terminal(descriptor);
}

}  // namespace sd
