#include "base/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"
#include "base/printable.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr size_t kWaitingBytes = size_t{1} << 16;

// (Not stdio's: reading from std::cin flushes that, and an error of it is lost then.)
std::string waiting;               // to be written
std::atomic<int> first_error = 0;  // of stdout, an errno

void note_error(bool failed) {
  if (failed && first_error == 0) first_error = errno;
}

bool is_terminal() {
  static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  return terminal;
}

/// Waits until something can be written to a pipe that does not wait by itself.
void wait_for_room() {
  pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  ::poll(&out, 1, /*timeout=*/-1);
}

void write_raw(std::string_view text) {
  waiting += text;
  if (waiting.size() >= kWaitingBytes || is_terminal()) flush_output();
}

/// Some file systems report a full disk only when a file is closed.
void close_a_copy() {
  const int copy = ::dup(STDOUT_FILENO);
  note_error(copy >= 0 && ::close(copy) != 0);
}

}  // namespace

void hold_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Opened the wrong way round: stdin cannot be read, the others cannot be written to.
    ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void print(std::string_view text) { write_raw(printable_lines(text)); }

void print_json(std::string_view json) { write_raw(printable_json(json) + "\n"); }

void print_path(const std::filesystem::path& path) {
  const std::string& name = path.native();
  write_raw((is_terminal() ? printable(name, std::string::npos) : name) + "\n");
  flush_output();
}

void flush_output() {
  std::string_view rest = waiting;
  while (!rest.empty() && first_error == 0) {
    const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      wait_for_room();
      continue;
    }
    note_error(count < 0);
    if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
  }
  waiting.clear();
}

bool output_failed() { return first_error != 0; }

bool reader_gone() {
  if (first_error == EPIPE) return true;
  pollfd out = {.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int finish_output() {
  flush_output();
  if (first_error == 0) close_a_copy();
  if (first_error == 0) return 0;
  const std::string message =
      std::string("stdout cannot be written to: ") + std::strerror(first_error.load());
  if (first_error == EPIPE) {
    complain("error: " + message);
    return kReaderGone;
  }
  throw Error(ErrorKind::kFile, message,
              first_error == ENOSPC ? "make room on the disk, or send it to another place"
                                    : "send it to a file or a terminal");
}

}  // namespace sd
