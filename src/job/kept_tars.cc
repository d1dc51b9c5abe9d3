#include "job/kept_tars.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/new_file.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "job/file_hash.h"
#include "job/job_survey.h"
#include "job/metadata_list.h"
#include "job/tar_file.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

/// What a header says of the file behind it.
struct Header {
  std::string name;
  uint64_t size = 0;
};

/// Throws where the header is not as `tar_header` makes it.
Header parse_header(const std::string& bytes, const std::string& path) {
  constexpr size_t kSizeAt = 124, kSizeDigits = 11;
  Header header{.name = bytes.substr(0, bytes.find('\0')), .size = 0};
  const char* digits = bytes.data() + kSizeAt;
  const auto parsed = std::from_chars(digits, digits + kSizeDigits, header.size, 8);
  const bool short_name = header.name.size() < 100;
  if (parsed.ec == std::errc() && short_name && tar_header(header.name, header.size) == bytes) {
    return header;
  }
  throw Error(ErrorKind::kFile, printable(path) + ": expected a tar of a job, found another header",
              "remove it and the file of its statistics: the job draws it again");
}

/// Bytes of a file in a tar, with those that fill its last block.
uint64_t padded(uint64_t size) { return (size + kTarBlock - 1) / kTarBlock * kTarBlock; }

/// The place in a sample's name; -1 where there is none.
int64_t place_in(const std::string& name) {
  int64_t place = -1;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), place);
  const bool ends =
      parsed.ec == std::errc() && parsed.ptr != name.data() + name.size() && *parsed.ptr == '.';
  return ends ? place : -1;
}

}  // namespace

TarSamples::TarSamples(const fs::path& path)
    : path_(path), file_(open_regular_file(path.string())) {
  const std::string end(kTarBlock, '\0');
  uint64_t at = 0;
  for (std::string block = read(at, kTarBlock); block != end; block = read(at, kTarBlock)) {
    const Header header = parse_header(block, path_.string());
    const uint64_t behind = at + kTarBlock + padded(header.size);
    parts_.try_emplace(place_in(header.name), Part{at, behind}).first->second.end = behind;
    at = behind;
  }
}

int64_t TarSamples::next(int64_t place) const {
  const auto found = parts_.lower_bound(place);
  return found == parts_.end() ? -1 : found->first;
}

std::string TarSamples::bytes(int64_t place) const {
  const Part& part = parts_.at(place);
  return read(part.begin, part.end - part.begin);
}

std::vector<TarSamples::File> TarSamples::files(int64_t place) const {
  const std::string all = bytes(place);
  std::vector<File> files;
  for (uint64_t at = 0; at < all.size();) {
    const Header header = parse_header(all.substr(at, kTarBlock), path_.string());
    files.push_back({header.name, all.substr(at + kTarBlock, header.size)});
    at += kTarBlock + padded(header.size);
  }
  return files;
}

std::vector<int64_t> TarSamples::places() const {
  std::vector<int64_t> all;
  for (const auto& [place, part] : parts_) all.push_back(place);
  return all;
}

std::string TarSamples::read(uint64_t begin, uint64_t size) const {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t count =
        ::pread(file_.get(), bytes.data() + done, size - done, static_cast<off_t>(begin + done));
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) {
      done += static_cast<size_t>(count);
      continue;
    }
    throw Error(ErrorKind::kFile, printable(path_.string()) + " ends too early, or cannot be read",
                "remove it and the file of its statistics: the job draws it again");
  }
  return bytes;
}

std::string problem_of_sample(int64_t place, const std::vector<TarSamples::File>& files,
                              PictureFormat format, WrittenPicture* picture) {
  const std::string key = JobNames::key(place), name = key + ending_of(format);
  const bool is_sample = files.size() == 3 && files[0].name == name &&
                         files[1].name == key + ".txt" && files[2].name == key + ".json";
  if (!is_sample) return key + ": expected a picture, its .txt and its .json, found other files";
  try {
    const std::vector<uint8_t> bytes(files[0].bytes.begin(), files[0].bytes.end());
    const std::string problem = read_written(name, bytes, picture);
    if (!problem.empty()) return fmt::format("{}: {}", name, problem);
    const std::optional<PictureRecord>& record = picture->record;
    if (files[1].bytes != sample_text(record)) return files[1].name + ": it is not the prompt";
    if (files[2].bytes != sample_json(name, record)) {
      return files[2].name + ": it is not the record";
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile) throw;
    return error.what();
  }
  return "";
}

/// Keeps what `open` gives of a block; null where that is null or cannot be read.
std::shared_ptr<const TarSamples> KeptTars::keep(
    int64_t block, const std::function<std::shared_ptr<const TarSamples>()>& open) {
  try {
    auto samples = open();
    if (samples == nullptr) return nullptr;
    const std::lock_guard lock(mutex_);
    open_[block] = samples;
    return samples;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kFile) return nullptr;
    throw;
  }
}

std::shared_ptr<const TarSamples> KeptTars::open(const JobNames& names, int64_t block) {
  const auto statistics = read_tar_statistics(names.tar_statistics(block));
  if (!statistics) return nullptr;
  return keep(block, [&] {
    auto samples = std::make_shared<const TarSamples>(names.tar(block));
    return sha256_of_file(names.tar(block).string()) == statistics->sha256 ? samples : nullptr;
  });
}

std::shared_ptr<const TarSamples> KeptTars::open_unfinished(const JobNames& names, int64_t block) {
  if (!name_is_taken(names.tar(block)) || name_is_taken(names.tar_statistics(block))) {
    return nullptr;
  }
  return keep(block, [&] {
    auto samples = std::make_shared<TarSamples>(names.tar(block));
    for (const int64_t place : samples->places()) {
      stop_if_interrupted();
      WrittenPicture picture;
      const std::string problem =
          problem_of_sample(place, samples->files(place), names.format(), &picture);
      if (!problem.empty()) samples->forget(place);
    }
    return samples;
  });
}

std::shared_ptr<const TarSamples> KeptTars::take(int64_t block) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(block);
  if (found == open_.end()) return nullptr;
  const auto samples = found->second;
  open_.erase(found);
  return samples;
}

}  // namespace sd::job
