#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace sd {

/// A file that appears under its name when it is complete, and not at all if that never happens.
class NewFile {
 public:
  /// Opens a temporary file beside `path`. Throws kFile if that cannot be done, or if `path` is
  /// already there.
  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();  ///< removes the temporary file if `finish` was not reached

  void write(std::string_view bytes);
  uint64_t position() const { return position_; }

  /// Gives the file its name. Throws kFile if it cannot be completed or the name is taken by now.
  void finish();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
  uint64_t position_ = 0;
};

}  // namespace sd
