// What --show costs a picture: reading its file again, and the bytes for the terminal. For each
// kind of terminal, milliseconds of a 512x512 picture:
//   bench_show FILE.png
// Written to /dev/null, so without what the terminal itself takes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "cli/terminal_picture.h"
#include "image/image_io.h"

namespace {

using Clock = std::chrono::steady_clock;

/// A terminal, as the environment names it.
struct Terminal {
  const char* name;
  const char* term;
  const char* program;
};
constexpr Terminal kTerminals[] = {{"symbols", "xterm-256color", ""},
                                   {"sixel", "mlterm", ""},
                                   {"iTerm2", "xterm-256color", "iTerm.app"},
                                   {"kitty", "xterm-kitty", ""}};

/// The least milliseconds of several calls.
template <class Work>
double least(const Work& work) {
  double milliseconds = 1e9;
  for (int i = 0; i < 15; ++i) {
    const auto start = Clock::now();
    work();
    milliseconds = std::min(
        milliseconds, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return milliseconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("bench_show FILE.png, of 512x512\n", stderr), 2;
  std::printf("%-8s %6.1f ms\n", "reading", least([&] { sd::image::read_image(argv[1]); }));
  const sd::Image image = sd::image::read_image(argv[1]);
  ::setenv("COLORTERM", "truecolor", 1);
  ::unsetenv("TMUX");
  for (const Terminal& terminal : kTerminals) {
    ::setenv("TERM", terminal.term, 1);
    ::setenv("TERM_PROGRAM", terminal.program, 1);
    size_t bytes = 0;
    const double milliseconds =
        least([&] { bytes = sd::cli::terminal_picture(image, 80, 30, /*colour=*/true).size(); });
    std::printf("%-8s %6.1f ms %8zu bytes\n", terminal.name, milliseconds, bytes);
  }
  return 0;
}
