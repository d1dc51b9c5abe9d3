#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "job/job_folder.h"
#include "job/job_survey.h"

namespace sd::job {

/// The samples in a tar of a job, as `TarFile` wrote it, by the places of their pictures. Its bytes
/// stay readable when another file takes its name.
class TarSamples {
 public:
  /// Reads the names. Throws Error(kFile) where the file cannot be read or is no such tar.
  explicit TarSamples(const std::filesystem::path& path);

  /// A file of a sample.
  struct File {
    std::string name;
    std::string bytes;
  };

  /// All places, rising; one below 0 stands for files that are no sample's.
  std::vector<int64_t> places() const;
  bool has(int64_t place) const { return parts_.contains(place); }
  /// From now on it has no sample of that place.
  void forget(int64_t place) { parts_.erase(place); }
  /// The first place from `place` on of which it holds a sample; -1: none.
  int64_t next(int64_t place) const;
  /// The files of the sample as they are in the tar, with their headers. Throws Error(kFile).
  std::string bytes(int64_t place) const;
  /// The files of the sample, one by one.
  std::vector<File> files(int64_t place) const;

 private:
  struct Part {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  std::string read(uint64_t begin, uint64_t size) const;

  std::filesystem::path path_;
  Descriptor file_;
  std::map<int64_t, Part> parts_;
};

/// What is wrong with a sample: it lacks a file, its picture is damaged, or its texts are not those
/// of its picture's record. Empty, and `*picture` its picture, where it is sound.
std::string problem_of_sample(int64_t place, const std::vector<TarSamples::File>& files,
                              PictureFormat format, WrittenPicture* picture);

/// The tars that a run draws again, for what failed of them (`retry_failed`) or what they lack:
/// what decides what is drawn and what writes the new tar look at the same old one. Thread-safe.
class KeptTars {
 public:
  /// The block's tar, for whoever writes the new one to `take`. Null where it is not complete, or
  /// not as its statistics say: then all of the block is to be drawn.
  std::shared_ptr<const TarSamples> open(const JobNames& names, int64_t block);
  /// The block's tar that has no statistics, as a run leaves it that is stopped; only its sound
  /// samples are there. Null where there is none, or it cannot be read. Throws kCancelled.
  std::shared_ptr<const TarSamples> open_unfinished(const JobNames& names, int64_t block);
  /// The one that was opened, or null; it is forgotten here.
  std::shared_ptr<const TarSamples> take(int64_t block);

 private:
  std::shared_ptr<const TarSamples> keep(
      int64_t block, const std::function<std::shared_ptr<const TarSamples>()>& open);

  std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<const TarSamples>> open_;
};

}  // namespace sd::job
