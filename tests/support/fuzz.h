#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>

#include "sd/error.h"

namespace sd::test {

/// Ends a fuzz target's program, which reports the input, unless `holds`.
inline void require(bool holds, const char* what = "a promise of the reader is broken") {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Calls `read`. It may throw an sd::Error of one of these kinds and nothing else.
template <class Read>
void expect_error_kinds(std::initializer_list<ErrorKind> kinds, Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    bool expected = false;
    for (const ErrorKind kind : kinds) expected = expected || error.kind() == kind;
    require(expected, error.what());
  }
}

/// A file without a name in any folder, for readers that take a path.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("input", 0)) {
    require(descriptor_ >= 0, "no file in memory");
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// Makes these bytes its content, and returns its path.
  const std::string& hold(const uint8_t* data, size_t size) {
    const bool fine = ::ftruncate(descriptor_, 0) == 0 &&
                      ::pwrite(descriptor_, data, size, 0) == static_cast<ssize_t>(size);
    require(fine, "the file in memory cannot be written");
    return path_;
  }

 private:
  int descriptor_;
  std::string path_;
};

}  // namespace sd::test
