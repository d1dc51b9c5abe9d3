#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "sd/settings.h"

namespace sd {

/// A line that could not be drawn.
struct Failure {
  int64_t place = 0;  ///< of its picture in the job
  int64_t line = 0;   ///< of the prompt file, from 1
  std::string reason;
  int64_t attempts = 1;
};

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
  std::filesystem::path numbered(const char* folder, int64_t place, const char* ending) const;

  std::filesystem::path folder_;
  int64_t pictures_;
  PictureFormat format_;
  int digits_;
};

/// Ends a picture's name: ".png".
const char* ending_of(PictureFormat format);

/// What is in a job's folder, and what is added to it. A file has its name once it is complete:
/// that is all that says what is done. Thread-safe.
class JobFolder {
 public:
  explicit JobFolder(JobNames names) : names_(std::move(names)) {}

  const JobNames& names() const { return names_; }

  bool is_drawn(int64_t place) const;
  bool is_tar_done(int64_t block) const;
  std::optional<Failure> failure(int64_t place) const;

  /// Writes a file unless its name is taken; false then. It is complete on the disk before it has
  /// its name. Throws Error(kFile).
  bool write(const std::filesystem::path& path, std::string_view bytes) const;

  /// Writes what the picture failed of, one attempt more than before.
  void fail(int64_t place, int64_t line, const std::string& reason) const;
  /// A failure that is overcome.
  void forgive(int64_t place) const;

  /// Removes what runs left behind that were killed.
  void clean() const;

 private:
  JobNames names_;
};

}  // namespace sd
