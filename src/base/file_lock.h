#pragma once

#include <filesystem>

#include "base/descriptor.h"

namespace sd {

/// Opens a file to be locked: for writing, if that can be done, for NFS locks nothing else.
/// `flags`: further ones of open(2). The descriptor is below 0 if the file cannot be opened.
Descriptor open_to_lock(const std::filesystem::path& path, int flags = 0);

/// While it lives, other processes that lock the file, too, wait. The lock ends with the process.
/// It orders what would else be harmless but wasted: where the file cannot be locked, or another
/// holds it for longer than seconds, work goes on without it.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);

 private:
  Descriptor file_;
};

}  // namespace sd
