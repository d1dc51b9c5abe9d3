#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace sd {

Descriptor open_to_lock(const std::filesystem::path& path, int flags) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags);
  return Descriptor(file >= 0 ? file : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
}

FileLock::FileLock(const std::filesystem::path& path) : file_(open_to_lock(path)) {
  constexpr int kAttempts = 200;
  constexpr auto kPause = std::chrono::milliseconds(20);
  for (int attempt = 0; file_.get() >= 0 && attempt < kAttempts; ++attempt) {
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno != EWOULDBLOCK && errno != EINTR) return;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace sd
