#include "job/job_folder.h"

#include <fmt/core.h>
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

namespace sd::job {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kInFolder = 10'000;
constexpr int kLeastDigits = 6, kDigitsInFolder = 4, kTarDigits = 5;

int digits_of(int64_t largest) { return static_cast<int>(std::to_string(largest).size()); }

std::string pad_number(int64_t number, int digits) { return fmt::format("{:0{}}", number, digits); }

constexpr const char* kWritablePlace = "give `job` a place where you may write";

}  // namespace

std::optional<TarStatistics> read_tar_statistics(const fs::path& path) {
  return parse_tar_statistics(read_json_object(path));
}

std::optional<TarStatistics> parse_tar_statistics(const nlohmann::json& object) {
  const auto hash = object.find("sha256");
  if (hash == object.end() || !hash->is_string()) return std::nullopt;
  for (const char* count : {"samples", "failed", "bytes"}) {
    const auto found = object.find(count);
    const bool is_count = found != object.end() && found->is_number_integer();
    if (!is_count || whole_number_in(object, count) < 0) return std::nullopt;
  }
  return TarStatistics{.samples = whole_number_in(object, "samples"),
                       .failed = whole_number_in(object, "failed"),
                       .bytes = whole_number_in(object, "bytes"),
                       .sha256 = hash->get<std::string>()};
}

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

fs::path JobNames::name_of(const char* folder, int64_t place, const char* ending) const {
  const std::string name = pad_number(place, digits_) + ending;
  if (pictures_ <= kInFolder) return folder_ / folder / name;
  return folder_ / folder / pad_number(place / kInFolder, digits_ - kDigitsInFolder) / name;
}

fs::path JobNames::picture(int64_t place) const {
  return name_of("samples", place, ending_of(format_));
}

fs::path JobNames::failure(int64_t place) const { return name_of("failed", place, ".json"); }

fs::path JobNames::tar(int64_t block) const {
  return folder_ / (pad_number(block, kTarDigits) + ".tar");
}

fs::path JobNames::tar_statistics(int64_t block) const {
  return folder_ / (pad_number(block, kTarDigits) + ".json");
}

std::string JobNames::key(int64_t place) {
  constexpr int kDigits = 9;
  return pad_number(place, kDigits);
}

bool JobFolder::is_drawn(int64_t place) const { return is_written(names_.picture(place)); }

std::optional<TarStatistics> JobFolder::done_tar(int64_t block) const {
  auto statistics = read_tar_statistics(names_.tar_statistics(block));
  std::error_code absent;
  const auto bytes = fs::file_size(names_.tar(block), absent);
  if (absent || (statistics && static_cast<int64_t>(bytes) != statistics->bytes))
    return std::nullopt;
  return statistics;
}

int64_t JobFolder::failures(int64_t place) const {
  const fs::path path = names_.failure(place);
  if (!name_is_taken(path)) return 0;
  return std::max<int64_t>(1, whole_number_in(read_json_object(path), "attempts"));
}

void JobFolder::require_folder() const {
  const fs::path& folder = names_.folder();
  if (!is_made_ || name_is_taken(folder)) return;
  throw Error(ErrorKind::kFile,
              "the folder " + printable(folder.string()) +
                  ", which the job is drawn into, is no longer there",
              "if it was moved, run the command again with its new name");
}

/// What `finish` gives of a new file of these bytes. Until it has its name it is in the job's
/// folder, which every run looks through for what is left over; where `samples` is a link to
/// another disk, say, it is there.
template <class Finish>
auto JobFolder::write_new(const fs::path& path, std::string_view bytes,
                          const Finish& finish) const {
  require_folder();
  try {
    const fs::path own = path.parent_path();
    make_folders(own, kWritablePlace);
    is_made_ = true;
    NewFile file(path, on_one_file_system(own, names_.folder()) ? names_.folder() : own);
    file.write(bytes);
    return finish(&file);
  } catch (const Error&) {
    require_folder();  // it may have gone meanwhile
    throw;
  }
}

bool JobFolder::write(const fs::path& path, std::string_view bytes) const {
  return write_new(path, bytes, [&path](NewFile* file) {
    if (file->finish()) return true;
    if (is_written(path)) return false;
    file->take_name_over();
    return true;
  });
}

void JobFolder::replace(const fs::path& path, std::string_view bytes) const {
  write_new(path, bytes, [](NewFile* file) { file->finish_over(); });
}

void JobFolder::fail(int64_t place, int64_t line, const std::string& reason) const {
  const nlohmann::json value = {{"place", place},
                                {"line", line},
                                {"reason", printable(reason, std::string::npos)},
                                {"attempts", failures(place) + 1}};
  replace(names_.failure(place), value.dump(2) + "\n");
}

void JobFolder::forgive(int64_t place) const { ::unlink(names_.failure(place).c_str()); }

void JobFolder::clean() const { remove_leftovers(names_.folder()); }

}  // namespace sd::job
