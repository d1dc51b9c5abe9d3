#include "job/job_survey.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "image/image_io.h"
#include "job/file_hash.h"
#include "job/job_sheet.h"
#include "job/saved_picture.h"
#include "job/settings.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
using nlohmann::json;

struct JobSurvey::Sheet {
  json value;
};

namespace {

double time_of(const fs::path& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0) return 0;
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(about.st_mtim.tv_sec) +
         static_cast<double>(about.st_mtim.tv_nsec) * kNanosecond;
}

/// How many pictures were written when, of which only the last ten minutes count.
class Pace {
 public:
  void add(double time, int64_t pictures) {
    constexpr double kWindow = 600;
    const auto second = static_cast<int64_t>(time);
    last_ = std::max(last_, second);
    if (second < last_ - static_cast<int64_t>(kWindow)) return;
    by_second_[second] += pictures;
    by_second_.erase(by_second_.begin(),
                     by_second_.lower_bound(last_ - static_cast<int64_t>(kWindow)));
  }

  /// The first second tells when the clock began: what follows took the time since.
  std::optional<double> an_hour() const {
    constexpr double kHour = 3600;
    if (by_second_.size() < 2) return std::nullopt;
    int64_t pictures = 0;
    for (const auto& [second, count] : by_second_) pictures += count;
    pictures -= by_second_.begin()->second;
    return static_cast<double>(pictures) / static_cast<double>(last_ - by_second_.begin()->first) *
           kHour;
  }

 private:
  int64_t last_ = 0;
  std::map<int64_t, int64_t> by_second_;
};

/// What the record says otherwise than the job: its model, and settings that no line may have.
std::string difference_from_job(const PictureRecord& record, const json& sheet) {
  const json said = to_json(record);
  const auto differs = [&](const char* name) {
    const json::json_pointer place(name);
    return said.value(place, json()) != sheet.value(place, json());
  };
  if (differs("/version")) return "the version";
  if (differs("/command")) return "the command";
  if (differs("/model/sha256")) return "the model";
  if (differs("/model/vae_sha256")) return "the autoencoder";
  const std::vector<json> values = json_values(record.settings);
  for (const Setting& setting : all_settings()) {
    const bool of_run = setting.about.where == Settable::kCommand && !setting.about.local;
    if (!of_run || *setting.about.record == '\0' || setting.key == "seed" ||
        setting.key == "seed_mode" || setting.key == "weights" || setting.key == "watermark") {
      continue;
    }
    const auto expected = sheet.at("settings").find(setting.key);
    if (expected != sheet.at("settings").end() && *expected != values[setting.place]) {
      return setting.key;
    }
  }
  return "";
}

}  // namespace

JobSurvey::JobSurvey(const fs::path& folder)
    : sheet_(std::make_unique<const Sheet>(Sheet{read_job_sheet(folder)})),
      names_(names_of(folder, sheet_->value)) {}
JobSurvey::~JobSurvey() = default;
JobSurvey::JobSurvey(JobSurvey&&) noexcept = default;

const json& JobSurvey::sheet() const { return sheet_->value; }

bool JobSurvey::in_tars() const {
  return sheet().value(json::json_pointer("/settings/sink"), std::string()) == "tar";
}

void JobSurvey::each_picture(
    const std::function<void(int64_t place, const fs::path& path)>& see) const {
  for (int64_t place = 0; place < names_.pictures(); ++place) {
    const fs::path path = names_.picture(place);
    if (name_is_taken(path)) see(place, path);
  }
}

int64_t JobSurvey::each_sound_picture(
    const std::function<void(int64_t place, const fs::path& path)>& see) const {
  int64_t odd = 0;
  each_picture([&](int64_t place, const fs::path& path) {
    try {
      see(place, path);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kFile) throw;
      ++odd;
      const std::string name = path.lexically_relative(names_.folder()).generic_string();
      complain("error: " + printable(name) + ": " + error.what() + "; left out");
    }
  });
  return odd;
}

void JobSurvey::each_tar(
    const std::function<void(int64_t number, const json& statistics)>& see) const {
  std::vector<int64_t> numbers;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(names_.folder(), ignored)) {
    const fs::path& path = entry.path();
    const std::string stem = path.stem().string();
    const bool is_number = !stem.empty() && stem.find_first_not_of("0123456789") == stem.npos;
    if (path.extension() == ".json" && is_number) numbers.push_back(std::atoll(stem.c_str()));
  }
  std::ranges::sort(numbers);
  for (const int64_t number : numbers) {
    see(number, read_json_object(names_.tar_statistics(number)));
  }
}

JobStatus JobSurvey::status() const {
  JobStatus status;
  status.pictures = names_.pictures();
  Pace pace;
  if (in_tars()) {
    each_tar([&](int64_t number, const json& statistics) {
      if (!name_is_taken(names_.tar(number))) return;
      status.drawn += whole_number_in(statistics, "samples");
      pace.add(time_of(names_.tar(number)), whole_number_in(statistics, "samples"));
    });
  } else {
    each_picture([&](int64_t, const fs::path& path) {
      ++status.drawn;
      pace.add(time_of(path), 1);
    });
  }
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(names_.folder() / "failed", ignored)) {
    if (entry.path().extension() == ".json") ++status.failed;
  }
  status.missing = std::max<int64_t>(0, status.pictures - status.drawn - status.failed);
  status.an_hour = pace.an_hour();
  if (status.an_hour && *status.an_hour > 0) {
    status.hours_left = static_cast<double>(status.missing) / *status.an_hour;
  }
  return status;
}

std::optional<PictureRecord> find_record(const fs::path& path, const std::vector<uint8_t>& bytes) {
  const std::string name = path.string();
  const image::PngMetadata texts = image::picture_texts(bytes, name);
  const std::string* record = texts.find(image::kRecordKeyword);
  if (record == nullptr) return std::nullopt;
  return parse_record(*record, name);
}

std::string problem_of_picture(const JobSurvey& job, const fs::path& path,
                               const std::vector<uint8_t>& bytes) {
  try {
    const Image image = image::decode_image(bytes, path.string());
    const auto record = find_record(path, bytes);
    const bool has_records = !job.sheet().value(json::json_pointer("/settings/no_metadata"), false);
    if (!record) return has_records ? "it does not say how it was drawn" : "";
    const auto size = saved_size(*record);
    if (size && *size != FitSize{image.width, image.height}) {
      return "it has not the size of its record";
    }
    const std::string difference = difference_from_job(*record, job.sheet());
    return difference.empty() ? "" : "its record differs from the job in " + difference;
  } catch (const Error& error) {
    return error.what();
  } catch (const json::exception& error) {
    return printable(error.what());
  }
}

std::string problem_of_tar(const JobSurvey& job, int64_t number, const json& statistics) {
  try {
    const std::string hash = sha256_of_file(job.names().tar(number).string());
    if (statistics.value("sha256", std::string()) == hash) return "";
    return "its SHA-256 is not what " + job.names().tar_statistics(number).filename().string() +
           " says";
  } catch (const Error& error) {
    return error.what();
  } catch (const json::exception&) {
    return "its statistics are damaged";
  }
}

}  // namespace sd::job
