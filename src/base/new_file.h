#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/temporary_file.h"

namespace sd {

/// A file that appears under its name when it is complete, and never in place of another one. The
/// bytes go to a temporary file in the same folder first, and to the disk, and then get their name.
/// What earlier processes left there when they were killed is removed.
class NewFile {
 public:
  /// Opens the temporary file. Throws Error(kFile) if that cannot be done.
  explicit NewFile(const std::filesystem::path& path) : NewFile(path, path.parent_path()) {}
  /// The temporary file is in `folder`, which must be on the file system of `path`.
  NewFile(std::filesystem::path path, const std::filesystem::path& folder);

  /// Throws Error(kFile) when there is no room, say.
  void write(std::string_view bytes);
  uint64_t position() const { return position_; }

  /// Writes all of it to the disk. Throws Error(kFile) if the file cannot be completed.
  void complete();
  /// After that: as `finish` and `finish_over`.
  [[nodiscard]] bool take_name();
  void take_name_over();

  /// Gives the file its name; false, with nothing changed, if something has that name already.
  /// Throws Error(kFile) if the file cannot be completed.
  [[nodiscard]] bool finish();

  /// Gives the file its name in place of what had it. Throws Error(kFile), also where that is a
  /// device, a pipe or a socket.
  void finish_over();

 private:
  void flush();

  std::filesystem::path path_;
  TemporaryFile file_;
  std::string pending_;
  uint64_t position_ = 0;
};

/// Writes a whole file, in place of what has its name; a device, a pipe or what stands in /dev or
/// /proc stays, and the bytes go into it. Throws Error(kFile).
void write_over(const std::filesystem::path& path, std::string_view bytes);

/// Makes the folder and those above it that are not there. Throws Error(kFile) with that hint.
void make_folders(const std::filesystem::path& folder, const char* hint);

/// Has the disk keep which names are in the folder, as far as the file system can do that.
void sync_folder(const std::filesystem::path& folder);

/// Whether something, be it a link to nowhere, has that name.
bool name_is_taken(const std::filesystem::path& path);

/// Whether something has that name, and is no regular file without a byte: such a file holds a name
/// for another, and stays where a process is killed or a copy ends in between.
bool is_written(const std::filesystem::path& path);

/// Whether a file may be moved from one of the folders to the other; true where one is not there.
bool on_one_file_system(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace sd
