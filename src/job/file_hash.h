#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <string>

namespace sd::job {

/// The SHA-256 of a file's bytes as they are now, in hexadecimal, read piece by piece. Throws
/// Error(kFile) if it cannot be read, kCancelled once the user has stopped the run.
std::string sha256_of_file(const std::string& path);

/// The SHA-256 of a file's bytes from `offset` on. Those of large files are remembered in
/// $XDG_CACHE_HOME/stable-diffusion (or ~/.cache), by path, size and time of the last change. Empty
/// once `give_up` is true. Throws as `sha256_of_file`.
std::string remembered_sha256(const std::string& path, uint64_t offset,
                              const std::atomic<bool>& give_up);

/// The SHA-256 of a file, remembered as above, computed while other work goes on.
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

}  // namespace sd::job
