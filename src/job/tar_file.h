#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/new_file.h"
#include "weights/sha256.h"

namespace sd::job {

/// Writes a tar (POSIX ustar) that holds nothing but names and bytes: no time, no owner. The same
/// files give the same tar.
class TarFile {
 public:
  /// The temporary file is in `folder`. Throws Error(kFile).
  TarFile(const std::filesystem::path& path, const std::filesystem::path& folder)
      : file_(path, folder) {}

  /// `name`: at most 99 bytes. Throws Error(kFile).
  void add(std::string_view name, std::string_view bytes);
  /// Files with their headers and padding, as another such tar holds them. Throws Error(kFile).
  void add_files(std::string_view bytes) { write(bytes); }

  /// Ends it, and writes all of it to the disk. Throws Error(kFile).
  void complete();
  /// After that: gives it its name; false, with nothing changed, if that is taken. Throws
  /// Error(kFile).
  [[nodiscard]] bool take_name() { return file_.take_name(); }
  /// Gives it its name, and replaces a file that has it.
  void take_name_over() { file_.take_name_over(); }

  /// All of it; `over`: in place of what has the name. False if that is taken.
  bool finish(bool over) {
    complete();
    if (!over) return take_name();
    take_name_over();
    return true;
  }

  /// After `complete`.
  const std::string& sha256() const { return digest_; }
  uint64_t bytes() const { return file_.position(); }

 private:
  void write(std::string_view bytes);

  NewFile file_;
  weights::Sha256 sum_;
  std::string digest_;
};

/// The bytes before a file in a tar, and what its length is padded to.
inline constexpr uint64_t kTarBlock = 512;

/// The block before a file in a tar.
std::string tar_header(std::string_view name, uint64_t size);

}  // namespace sd::job
