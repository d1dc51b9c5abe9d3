#include "job/job_folder.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "base/temporary_file.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kInFolder = 10'000;
constexpr int kLeastDigits = 6, kDigitsInFolder = 4, kTarDigits = 5;

int digits_of(int64_t largest) { return static_cast<int>(std::to_string(largest).size()); }

std::string padded(int64_t number, int digits) {
  return format("%0*lld", digits, static_cast<long long>(number));
}

void make_folder_of(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (!error) return;
  throw Error(ErrorKind::kFile,
              "the folder " + printable(path.parent_path().string()) +
                  " cannot be made: " + error.message(),
              "give `job` a place where you may write");
}

}  // namespace

const char* ending_of(PictureFormat format) {
  switch (format) {
    case PictureFormat::kPng:
      return ".png";
    case PictureFormat::kJpeg:
      return ".jpg";
    case PictureFormat::kWebp:
      return ".webp";
  }
  return "";
}

JobNames::JobNames(fs::path folder, int64_t pictures, PictureFormat format)
    : folder_(std::move(folder)),
      pictures_(pictures),
      format_(format),
      digits_(std::max(kLeastDigits, digits_of(pictures - 1))) {}

fs::path JobNames::numbered(const char* folder, int64_t place, const char* ending) const {
  const std::string name = padded(place, digits_) + ending;
  if (pictures_ <= kInFolder) return folder_ / folder / name;
  return folder_ / folder / padded(place / kInFolder, digits_ - kDigitsInFolder) / name;
}

fs::path JobNames::picture(int64_t place) const {
  return numbered("samples", place, ending_of(format_));
}

fs::path JobNames::failure(int64_t place) const { return numbered("failed", place, ".json"); }

fs::path JobNames::tar(int64_t block) const {
  return folder_ / (padded(block, kTarDigits) + ".tar");
}

fs::path JobNames::tar_statistics(int64_t block) const {
  return folder_ / (padded(block, kTarDigits) + ".json");
}

std::string JobNames::key(int64_t place) {
  constexpr int kDigits = 9;
  return padded(place, kDigits);
}

bool JobFolder::is_drawn(int64_t place) const { return name_is_taken(names_.picture(place)); }

bool JobFolder::is_tar_done(int64_t block) const {
  return name_is_taken(names_.tar_statistics(block));
}

std::optional<Failure> JobFolder::failure(int64_t place) const {
  constexpr size_t kMostBytes = size_t{1} << 20;
  std::string problem;
  const fs::path path = names_.failure(place);
  if (!name_is_taken(path)) return std::nullopt;
  const auto text = read_text_file(path, kMostBytes, &problem);
  if (!text) return std::nullopt;
  const nlohmann::json value = parse_json(*text);
  Failure failure{.place = place, .line = 0, .reason = "", .attempts = 1};
  if (!value.is_object()) return failure;
  const auto number = [&](const char* key, int64_t otherwise) {
    const auto found = value.find(key);
    return found != value.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
  };
  failure.line = number("line", 0);
  failure.attempts = number("attempts", 1);
  const auto reason = value.find("reason");
  if (reason != value.end() && reason->is_string()) failure.reason = reason->get<std::string>();
  return failure;
}

bool JobFolder::write(const fs::path& path, std::string_view bytes) const {
  make_folder_of(path);
  NewFile file(path, names_.folder());
  file.write(bytes);
  return file.finish();
}

void JobFolder::fail(int64_t place, int64_t line, const std::string& reason) const {
  const fs::path path = names_.failure(place);
  const auto before = failure(place);
  const nlohmann::json value = {{"place", place},
                                {"line", line},
                                {"reason", printable(reason, std::string::npos)},
                                {"attempts", before ? before->attempts + 1 : 1}};
  make_folder_of(path);
  NewFile file(path, names_.folder());
  file.write(value.dump(2) + "\n");
  file.finish_over();
}

void JobFolder::forgive(int64_t place) const { ::unlink(names_.failure(place).c_str()); }

void JobFolder::clean() const { remove_leftovers(names_.folder()); }

}  // namespace sd
