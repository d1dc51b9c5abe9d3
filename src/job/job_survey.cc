#include "job/job_survey.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "image/image_io.h"
#include "image/png_sums.h"
#include "job/shard_jobs.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
using nlohmann::json;

struct JobSurvey::Sheet {
  Sheet(const fs::path& folder, json read)
      : value(std::move(read)), description(describe_job(folder, value)) {}

  json value;
  JobDescription description;
};

namespace {

double time_of(const fs::path& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0) return 0;
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(about.st_mtim.tv_sec) +
         static_cast<double>(about.st_mtim.tv_nsec) * kNanosecond;
}

}  // namespace

/// How many pictures were written when, of which only the last ten minutes count.
class JobSurvey::Pace {
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

namespace {

/// The number that a name is, in digits alone; -1: it is none.
int64_t number_in_name(const std::string& name) {
  int64_t number = -1;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() ? number : -1;
}

}  // namespace

JobSurvey::JobSurvey(const fs::path& folder)
    : sheet_(std::make_unique<const Sheet>(folder, read_job_sheet(folder))),
      names_(folder, description().pictures, description().settings.output.format) {}
JobSurvey::~JobSurvey() = default;
JobSurvey::JobSurvey(JobSurvey&&) noexcept = default;

const json& JobSurvey::sheet() const { return sheet_->value; }
const JobDescription& JobSurvey::description() const { return sheet_->description; }

Blocks JobSurvey::blocks() const {
  return {.lines = description().lines, .per_block = lines_per_block(description().settings)};
}

void JobSurvey::each_picture(
    const std::function<void(int64_t place, const fs::path& path)>& see) const {
  fs::path folder;  // that is looked through
  bool is_there = false;
  for (int64_t place = 0; place < names_.pictures(); ++place) {
    const fs::path path = names_.picture(place);
    if (path.parent_path() != folder) {
      folder = path.parent_path();
      is_there = name_is_taken(folder);
    }
    if (is_there && is_written(path)) see(place, path);
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
  const int64_t most = blocks().of_place(names_.pictures() - 1);
  std::error_code failed;
  for (fs::directory_iterator at(names_.folder(), failed), end; !failed && at != end;
       at.increment(failed)) {
    const int64_t number = number_in_name(at->path().stem().string());
    const bool is_ours = number >= 0 && number <= most &&
                         names_.tar_statistics(number).filename() == at->path().filename();
    if (is_ours) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  for (const int64_t number : numbers) {
    const json statistics = read_json_object(names_.tar_statistics(number));
    see(number, parse_tar_statistics(statistics) ? statistics : json::object());
  }
}

int64_t JobSurvey::each_sound_tar(
    const std::function<void(int64_t number, const json& statistics)>& see) const {
  const JobFolder folder(names_);
  int64_t odd = 0;
  each_tar([&](int64_t number, const json& statistics) {
    if (folder.done_tar(number)) return see(number, statistics);
    ++odd;
    const std::string tar = names_.tar(number).filename().string();
    const std::string beside = names_.tar_statistics(number).filename().string();
    complain("error: " +
             (statistics.empty()
                  ? beside + ": these statistics are damaged"
                  : tar + ": it is missing, or does not have the size that " + beside + " says") +
             "; left out");
  });
  return odd;
}

int64_t JobSurvey::count_failures(const std::function<bool(int64_t place)>& counts) const {
  int64_t count = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(names_.folder() / "failed", failed), end;
       !failed && at != end; at.increment(failed)) {
    const int64_t place = number_in_name(at->path().stem().string());
    const bool is_ours =
        place >= 0 && place < names_.pictures() && names_.failure(place) == at->path();
    if (is_ours && counts(place)) ++count;
  }
  return count;
}

/// What a tar lacks has failed, whatever failed/ says; of other pictures that folder tells.
void JobSurvey::count_tars(JobStatus* status, Pace* pace) const {
  const JobFolder folder(names_);
  std::set<int64_t> done;
  each_tar([&](int64_t number, const json&) {
    const auto statistics = folder.done_tar(number);
    if (!statistics) return;
    done.insert(number);
    status->drawn += statistics->samples;
    status->failed += statistics->failed;
    pace->add(time_of(names_.tar(number)), statistics->samples);
  });
  const Blocks of_job = blocks();
  status->failed +=
      count_failures([&](int64_t place) { return !done.contains(of_job.of_place(place)); });
}

void JobSurvey::count_pictures(JobStatus* status, Pace* pace) const {
  each_picture([&](int64_t, const fs::path& path) {
    ++status->drawn;
    pace->add(time_of(path), 1);
  });
  status->failed =
      count_failures([&](int64_t place) { return !is_written(names_.picture(place)); });
}

JobStatus JobSurvey::status() const {
  JobStatus status;
  status.pictures = names_.pictures();
  Pace pace;
  if (in_tars()) {
    count_tars(&status, &pace);
  } else {
    count_pictures(&status, &pace);
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

std::string read_written(const std::string& name, const std::vector<uint8_t>& bytes,
                         WrittenPicture* picture) {
  std::string problem = image::problem_of_png_sums(bytes);
  if (!problem.empty()) return problem;
  picture->image = image::decode_image(bytes, name);
  picture->record = find_record(name, bytes);
  return "";
}

}  // namespace sd::job
