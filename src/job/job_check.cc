#include "job/job_check.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/strings.h"
#include "job/file_hash.h"
#include "job/saved_picture.h"
#include "job/settings.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

/// Of what a record says of the program and the model, and how messages name it.
struct Part {
  const char* place;
  const char* name;
};
constexpr Part kParts[] = {{"/version", "the version"},
                           {"/command", "the command"},
                           {"/model/sha256", "the model"},
                           {"/model/vae_sha256", "the autoencoder"}};

/// Whether all pictures of a job have it in common, and their records say it as job.json does.
bool is_of_run(const Setting& setting) {
  const bool of_run = setting.about.where == Settable::kCommand && !setting.about.local;
  return of_run && *setting.about.record != '\0' && setting.key != "seed" &&
         setting.key != "seed_mode" && setting.key != "weights" && setting.key != "watermark";
}

/// What the record says otherwise than job.json: its model, and settings that no line may have.
std::string difference_from_job(const PictureRecord& record, const json& sheet) {
  const json said = to_json(record);
  for (const auto& [place, name] : kParts) {
    const json::json_pointer at(place);
    const json expected = sheet.value(at, json()), found = said.value(at, json());
    if (expected != found) return difference_text(name, expected, found);
  }
  const std::vector<json> values = json_values(record.settings);
  for (const Setting& setting : all_settings()) {
    if (!is_of_run(setting)) continue;
    const auto expected = sheet.at("settings").find(setting.key);
    if (expected != sheet.at("settings").end() && *expected != values[setting.place]) {
      return difference_text(setting.key, *expected, values[setting.place]);
    }
  }
  return "";
}

}  // namespace

std::string JobCheck::difference(int64_t place, const PictureRecord& record) const {
  std::string difference = difference_from_job(record, job_.sheet());
  if (!difference.empty()) return "its record differs from the job in " + difference;
  if (lines_ == nullptr) return "";
  difference = lines_->difference(place, record);
  return difference.empty() ? "" : "its record differs from " + difference;
}

std::string JobCheck::problem_of(int64_t place, const WrittenPicture& picture) const {
  const bool has_records = !job_.description().settings.no_metadata;
  if (!picture.record) return has_records ? "it does not say how it was drawn" : "";
  const auto size = saved_size(*picture.record);
  const FitSize found{picture.image.width, picture.image.height};
  if (size && *size != found) {
    return fmt::format("it does not have the size in its record: expected {}x{}, found {}x{}",
                       size->width, size->height, found.width, found.height);
  }
  return difference(place, *picture.record);
}

std::string JobCheck::problem_of_picture(int64_t place, const std::string& name,
                                         const std::vector<uint8_t>& bytes) const {
  WrittenPicture picture;
  try {
    const std::string problem = read_written(name, bytes, &picture);
    if (!problem.empty()) return problem;
  } catch (const Error& error) {
    return error.what();
  } catch (const json::exception& error) {
    return printable(error.what());
  }
  return problem_of(place, picture);
}

std::string JobCheck::problem_of_place(int64_t place, const TarSamples& samples) const {
  const std::vector<TarSamples::File> files = samples.files(place);
  WrittenPicture picture;
  std::string problem = problem_of_sample(place, files, job_.names().format(), &picture);
  if (!problem.empty()) return problem;
  problem = problem_of(place, picture);
  return problem.empty() ? "" : files[0].name + ": " + problem;
}

std::vector<std::string> JobCheck::problems_of_samples(int64_t number, int64_t count) const {
  constexpr size_t kMost = 10;
  const TarSamples samples(job_.names().tar(number));
  const Blocks blocks = job_.blocks();
  const int64_t first = blocks.first_place(number), end = first + blocks.size(number);
  std::vector<std::string> problems;
  int64_t found = 0;
  for (const int64_t place : samples.places()) {
    std::string problem =
        fmt::format("it has files of place {}, which does not belong to it", place);
    if (place >= first && place < end) {
      ++found;
      problem = problem_of_place(place, samples);
    }
    if (!problem.empty()) problems.push_back(std::move(problem));
    if (problems.size() == kMost) return problems;
  }
  if (found != count) {
    problems.push_back(fmt::format("expected {} samples, found {}", count, found));
  }
  return problems;
}

std::vector<std::string> JobCheck::problems_of_tar(int64_t number, const json& statistics) const {
  const JobNames& names = job_.names();
  const std::string beside = names.tar_statistics(number).filename().string();
  const auto said = parse_tar_statistics(statistics);
  if (!said) return {"its statistics " + beside + " are damaged"};
  try {
    if (sha256_of_file(names.tar(number).string()) != said->sha256) {
      return {"its SHA-256 is not what " + beside + " says"};
    }
    return problems_of_samples(number, said->samples);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile) throw;
    return {error.what()};
  }
}

}  // namespace sd::job
