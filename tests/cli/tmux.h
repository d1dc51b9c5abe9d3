#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "support/command.h"

namespace sd::test {

/// What the command prints, its errors, too.
inline std::string output_of(const std::string& command) { return printed_by(command + " 2>&1"); }

inline bool has_command(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null").c_str()) == 0;
}

/// Within single quotes of a shell.
inline std::string in_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

/// A terminal that can be looked at: a server of tmux with one pane, in which a command runs.
class Tmux {
 public:
  Tmux(const std::string& command, int columns, int rows = 24) {
    static int count = 0;
    tmux_ = "tmux -u -f /dev/null -L sd-test-" + std::to_string(getpid()) + "-" +
            std::to_string(count++) + " ";
    const std::string size = " -x " + std::to_string(columns) + " -y " + std::to_string(rows);
    output_of("LC_ALL=C.UTF-8 " + tmux_ + "new-session -d" + size + " " + in_quotes(command));
    output_of(tmux_ + "set-option -g remain-on-exit on");
  }
  ~Tmux() { output_of(tmux_ + "kill-server"); }
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;

  static bool is_installed() { return has_command("tmux"); }

  /// `keys`: words as tmux names them; text goes between quotes.
  void press(const std::string& keys) const { output_of(tmux_ + "send-keys " + keys); }
  /// The lines of the pane, and those that have scrolled away.
  std::string screen() const { return output_of(tmux_ + "capture-pane -p -S -"); }
  /// The pane with its colours, as sequences of a terminal.
  std::string colours() const { return output_of(tmux_ + "capture-pane -p -e"); }

  /// Whether a bell has rung there. (Nobody is attached, so that tmux remembers it.)
  bool has_rung() const {
    return output_of(tmux_ + "display-message -p '#{window_bell_flag}'") == "1\n";
  }

  /// What the pane shows once that is there, or after minutes without it: a machine may be slow.
  std::string screen_with(const std::string& part) const {
    return screen_when(
        [&](const std::string& shown) { return shown.find(part) != std::string::npos; });
  }
  template <class Condition>
  std::string screen_when(const Condition& is_so) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(4);
    std::string shown = screen();
    while (!is_so(shown) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      shown = screen();
    }
    return shown;
  }

 private:
  std::string tmux_;
};

}  // namespace sd::test
