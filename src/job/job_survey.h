#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "job/blocks.h"
#include "job/job_folder.h"
#include "job/job_sheet.h"
#include "job/picture_record.h"
#include "sd/image.h"

namespace sd::job {

/// How far a job is.
struct JobStatus {
  int64_t pictures = 0;  ///< of the whole job
  int64_t drawn = 0;
  int64_t failed = 0;
  int64_t missing = 0;
  std::optional<double> an_hour;     ///< pictures, over the last ten minutes that it was drawn
  std::optional<double> hours_left;  ///< at that pace
};

/// A job as its folder tells it; nothing is drawn or read of the model.
class JobSurvey {
 public:
  /// Reads job.json. Throws Error(kFile).
  explicit JobSurvey(const std::filesystem::path& folder);
  ~JobSurvey();
  JobSurvey(JobSurvey&&) noexcept;

  const JobNames& names() const { return names_; }
  const nlohmann::json& sheet() const;
  const JobDescription& description() const;
  Blocks blocks() const;
  bool in_tars() const { return description().settings.output.sink == "tar"; }

  /// Looks at the names of all files.
  JobStatus status() const;

  /// Calls `see` with the place and the path of each picture that is drawn, by place.
  void each_picture(
      const std::function<void(int64_t place, const std::filesystem::path& path)>& see) const;
  /// As above, but what `see` throws of a picture (Error(kFile)) is said, and the rest goes on.
  /// Returns how many pictures that were.
  int64_t each_sound_picture(
      const std::function<void(int64_t place, const std::filesystem::path& path)>& see) const;
  /// Calls `see` with the number and the statistics of each tar of the job that has some, by
  /// number; an empty object where they are damaged. Other files count for nothing.
  void each_tar(
      const std::function<void(int64_t number, const nlohmann::json& statistics)>& see) const;
  /// As above for those that are whole; the others are said. Returns how many that were.
  int64_t each_sound_tar(
      const std::function<void(int64_t number, const nlohmann::json& statistics)>& see) const;

 private:
  class Pace;
  struct Sheet;
  void count_tars(JobStatus* status, Pace* pace) const;
  void count_pictures(JobStatus* status, Pace* pace) const;
  int64_t count_failures(const std::function<bool(int64_t place)>& counts) const;

  std::unique_ptr<const Sheet> sheet_;
  JobNames names_;
};

/// The record of a picture's file; nothing where it has none that can be read.
std::optional<PictureRecord> find_record(const std::filesystem::path& path,
                                         const std::vector<uint8_t>& bytes);

/// What a picture's file holds.
struct WrittenPicture {
  Image image;
  std::optional<PictureRecord> record;
};

/// Fills `*picture` from the file of a picture that a job wrote. Returns what is wrong with its
/// check sums, empty where nothing is. Throws Error(kFile) where it cannot be decoded.
std::string read_written(const std::string& name, const std::vector<uint8_t>& bytes,
                         WrittenPicture* picture);

}  // namespace sd::job
