#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "job/job_survey.h"
#include "job/kept_tars.h"
#include "job/line_check.h"

namespace sd::job {

/// Looks whether the files of a job are sound, one after the other.
class JobCheck {
 public:
  /// `lines`: null where what lines set is not to be compared. Both must outlive this.
  explicit JobCheck(const JobSurvey& job, LineCheck* lines = nullptr) : job_(job), lines_(lines) {}

  /// What is wrong with the file of the picture at that place: it is damaged, has another size than
  /// its record says, or a record that does not fit job.json or the line. Empty where it is sound.
  std::string problem_of_picture(int64_t place, const std::string& name,
                                 const std::vector<uint8_t>& bytes) const;

  /// What is wrong with a tar of the job and the samples in it, at most ten lines. One sample is
  /// held at a time.
  std::vector<std::string> problems_of_tar(int64_t number, const nlohmann::json& statistics) const;

 private:
  std::string problem_of(int64_t place, const WrittenPicture& picture) const;
  std::string difference(int64_t place, const PictureRecord& record) const;
  std::string problem_of_place(int64_t place, const TarSamples& samples) const;
  std::vector<std::string> problems_of_samples(int64_t number, int64_t count) const;

  const JobSurvey& job_;
  LineCheck* lines_;
};

}  // namespace sd::job
