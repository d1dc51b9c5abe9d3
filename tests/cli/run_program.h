#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/tiny_model.h"

namespace sd::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A place for stdout that is none.
inline constexpr const char* kClosed = "closed";

/// The program, started with these arguments, in this working directory if one is given; its input
/// and outputs are files of a folder of their own, but stdout is `out_path`, if that is given.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const std::string& input = "",
                   const std::string& directory = "", const std::string& out_path = "") {
    const std::string in = folder_.write("in", input).string();
    const std::string out = out_path.empty() ? (folder_ / "out").string() : out_path;
    const std::string err = (folder_ / "err").string();
    setenv("SD_NO_SETTINGS", "1", /*overwrite=*/0);  // a user's settings are none of ours
    std::vector<std::string> words = {SD_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, in.c_str(), O_RDONLY, 0);
    if (out == kClosed) {
      posix_spawn_file_actions_addclose(&files, 1);
    } else {
      posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_NOCTTY, 0600);
    }
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
    if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&files, directory.c_str());
    const int error = posix_spawn(&pid_, SD_PROGRAM, &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error(std::string("cannot start ") + SD_PROGRAM);
  }
  ~Program() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits for the end; the exit code, or -signal. `usage`: where to say what it took, or null.
  int wait(struct rusage* usage = nullptr) {
    int status = 0;
    wait4(pid_, &status, 0, usage);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  void send(int signal) const { kill(pid_, signal); }

  /// A process that the program has started; 0 where there is none now.
  pid_t child() const {
    const std::string pid = std::to_string(pid_);
    pid_t found = 0;
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> found;
    return found;
  }

  bool has_ended() const {
    siginfo_t info = {};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
  }

  /// Waits until that is so, however long it takes; false if the program ended without it.
  template <class Condition>
  bool wait_until(const Condition& is_so) const {
    while (true) {
      const bool ended = has_ended();
      if (is_so()) return true;
      if (ended) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  /// Waits until the program has printed a whole line; false if it ended before.
  bool wait_for_line() const {
    return wait_until([this] { return out().find('\n') != std::string::npos; });
  }

  std::string out() const { return read_file(folder_ / "out"); }
  std::string err() const { return read_file(folder_ / "err"); }

 private:
  TempFolder folder_;
  pid_t pid_ = 0;
};

/// A writer's end of a named pipe, which can be opened once the program has opened its own to read
/// from it; -1 if the program ended before.
inline int open_to_reader(const Program& program, const std::string& pipe) {
  int writer = -1;
  program.wait_until([&] {
    writer = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return writer >= 0;
  });
  return writer;
}

/// What a finished run left.
struct Finished {
  int exit_code;
  std::string out;
  std::string err;
};

inline Finished run(const std::vector<std::string>& arguments, const std::string& input = "",
                    const std::string& directory = "", const std::string& out_path = "") {
  Program program(arguments, input, directory, out_path);
  const int exit_code = program.wait();
  return {exit_code, program.out(), program.err()};
}

}  // namespace sd::test
