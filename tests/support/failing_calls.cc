// A library to be loaded into the program (LD_PRELOAD), which makes system calls on files below a
// folder fail. $SD_FAILS: a list of CALL:WHICH:ERRNO, WHICH counting from 1, or 0 for all of them;
// "tmpfile" is an open of a file without a name. $SD_FAILS_BELOW: the folder.

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <string>
#include <string_view>

namespace {

enum Call { kTmpfile, kFlock, kWrite, kFsync, kLink, kLinkat, kRename, kRenameat2, kMkdir, kCalls };
constexpr std::array<const char*, kCalls> kNames = {
    "tmpfile", "flock", "write", "fsync", "link", "linkat", "rename", "renameat2", "mkdir"};

struct Plan {
  int which = -1;  // below 0: it does not fail
  int error = 0;
  std::atomic<int> count = 0;
};

struct Plans {
  Plans() {
    const char* below_text = getenv("SD_FAILS_BELOW");
    const char* text = getenv("SD_FAILS");
    if (below_text == nullptr || text == nullptr) return;
    below = below_text;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string one(rest.substr(0, rest.find(',')));
      rest.remove_prefix(rest.size() == one.size() ? one.size() : one.size() + 1);
      for (size_t call = 0; call < kCalls; ++call) {
        const std::string start = std::string(kNames[call]) + ":";
        if (one.rfind(start, 0) != 0) continue;
        all[call].which = atoi(one.c_str() + start.size());
        all[call].error = atoi(one.c_str() + one.rfind(':') + 1);
      }
    }
  }
  std::array<Plan, kCalls> all;
  std::string below;
};

/// Whether the call on that path fails now; errno then says why.
bool fails(Call call, const char* path) {
  static Plans plans;
  Plan& plan = plans.all[call];
  if (plan.which < 0 || std::string_view(path).substr(0, plans.below.size()) != plans.below) {
    return false;
  }
  if (++plan.count != plan.which && plan.which != 0) return false;
  errno = plan.error;
  return true;
}

bool fails(Call call, int descriptor) {
  std::array<char, 4096> path = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const int error = errno;
  const ssize_t size = readlink(link.c_str(), path.data(), path.size() - 1);
  errno = error;
  return size > 0 && fails(call, path.data());
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int mode = va_arg(more, int);
  va_end(more);
  if ((flags & O_TMPFILE) == O_TMPFILE && fails(kTmpfile, path)) return -1;
  static const auto call = next<int (*)(const char*, int, ...)>("open");
  return call(path, flags, mode);
}

int flock(int descriptor, int operation) noexcept {
  if (fails(kFlock, descriptor)) return -1;
  static const auto call = next<int (*)(int, int)>("flock");
  return call(descriptor, operation);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (fails(kWrite, descriptor)) return -1;
  static const auto call = next<ssize_t (*)(int, const void*, size_t)>("write");
  return call(descriptor, bytes, count);
}

int fsync(int descriptor) {
  if (fails(kFsync, descriptor)) return -1;
  static const auto call = next<int (*)(int)>("fsync");
  return call(descriptor);
}

int link(const char* from, const char* to) noexcept {
  if (fails(kLink, to)) return -1;
  static const auto call = next<int (*)(const char*, const char*)>("link");
  return call(from, to);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  if (fails(kLinkat, to)) return -1;
  static const auto call = next<int (*)(int, const char*, int, const char*, int)>("linkat");
  return call(from_folder, from, to_folder, to, flags);
}

int rename(const char* from, const char* to) noexcept {
  if (fails(kRename, to)) return -1;
  static const auto call = next<int (*)(const char*, const char*)>("rename");
  return call(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  if (fails(kRenameat2, to)) return -1;
  static const auto call = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return call(from_folder, from, to_folder, to, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (fails(kMkdir, path)) return -1;
  static const auto call = next<int (*)(const char*, mode_t)>("mkdir");
  return call(path, mode);
}

}  // extern "C"
