#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/new_file.h"
#include "sd/settings.h"

namespace sd::job {

/// What the file beside a tar says of it.
struct TarStatistics {
  int64_t samples = 0;
  int64_t failed = 0;  ///< pictures of its block that it lacks
  int64_t bytes = 0;   ///< of the tar
  std::string sha256;
};

/// Nothing where there is no such file, or it is damaged.
std::optional<TarStatistics> read_tar_statistics(const std::filesystem::path& path);
/// The statistics in the contents of such a file.
std::optional<TarStatistics> parse_tar_statistics(const nlohmann::json& object);

/// The names of the files of a job's folder. Pictures are named by their place: samples/000123.png,
/// with more than 10,000 of them samples/0012/00123456.png. Pure.
class JobNames {
 public:
  /// `pictures`: of the whole job.
  JobNames(std::filesystem::path folder, int64_t pictures, PictureFormat format);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path sheet() const { return folder_ / "job.json"; }
  std::filesystem::path picture(int64_t place) const;
  std::filesystem::path failure(int64_t place) const;
  /// The tar of a block and the statistics that say it is complete.
  std::filesystem::path tar(int64_t block) const;
  std::filesystem::path tar_statistics(int64_t block) const;
  /// The key of a sample in a tar.
  static std::string key(int64_t place);

  int64_t pictures() const { return pictures_; }
  PictureFormat format() const { return format_; }

 private:
  std::filesystem::path name_of(const char* folder, int64_t place, const char* ending) const;

  std::filesystem::path folder_;
  int64_t pictures_;
  PictureFormat format_;
  int digits_;
};

/// Ends a picture's name: ".png".
const char* ending_of(PictureFormat format);

/// What is in a job's folder, and what is added to it. A file has its name once it is complete:
/// that is all that says what is done. The folder is made where it is not there; one that is moved
/// away later is not made again, which would part the job in two. Thread-safe.
class JobFolder {
 public:
  explicit JobFolder(JobNames names) : names_(std::move(names)) {}

  const JobNames& names() const { return names_; }

  bool is_drawn(int64_t place) const;
  /// The statistics of a block's tar; nothing where the two are not there, or the tar is of another
  /// size.
  std::optional<TarStatistics> done_tar(int64_t block) const;
  /// How often the picture was tried and failed; 0: never.
  int64_t failures(int64_t place) const;

  /// Writes a file unless its name is taken (but by an empty file); false then. It is complete on
  /// the disk before it has its name. Throws Error(kFile).
  bool write(const std::filesystem::path& path, std::string_view bytes) const;

  /// Writes a file like `write`, and replaces one that has the name.
  void replace(const std::filesystem::path& path, std::string_view bytes) const;

  /// Writes what the picture failed of, one attempt more than before. `line`: of the prompt file,
  /// from 1.
  void fail(int64_t place, int64_t line, const std::string& reason) const;
  /// A failure that is overcome.
  void forgive(int64_t place) const;

  /// Removes what runs left behind that were killed.
  void clean() const;
  /// Has the disk keep the names that were given so far, before those that come later.
  void sync() const { sync_folder(names_.folder()); }

 private:
  /// Throws Error(kFile) where it was made and is gone.
  void require_folder() const;
  template <class Finish>
  auto write_new(const std::filesystem::path& path, std::string_view bytes,
                 const Finish& finish) const;

  JobNames names_;
  mutable std::atomic<bool> is_made_ = false;
};

}  // namespace sd::job
