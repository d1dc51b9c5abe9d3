#pragma once

#include <atomic>
#include <future>
#include <string>

namespace sd {

/// The SHA-256 of a file, computed while other work goes on. Those of large files are remembered in
/// $XDG_CACHE_HOME/stable-diffusion (or ~/.cache), by path, size and time of the last change.
class FileHash {
 public:
  explicit FileHash(const std::string& path);
  FileHash(const FileHash&) = delete;
  FileHash& operator=(const FileHash&) = delete;
  ~FileHash();  ///< gives up if nobody waited for it

  /// In hexadecimal; waits for it. Throws Error(kFile) if the file cannot be read.
  const std::string& get();

 private:
  std::atomic<bool> give_up_ = false;
  std::future<std::string> computing_;
  std::string hash_;
};

}  // namespace sd
