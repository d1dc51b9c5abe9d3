#include <fmt/core.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file_lock.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "job/blocks.h"
#include "job/kept_tars.h"
#include "job/metadata_list.h"
#include "job/saved_picture.h"
#include "job/settings.h"
#include "job/sinks/sinks.h"
#include "job/tar_file.h"
#include "job/writable_folder.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

/// A picture as a tar holds it: three files of one key.
struct Sample {
  std::string picture, text, json;
};

Sample sample_of(FinishedPicture picture, const Settings& settings) {
  const std::string name = JobNames::key(picture.place) + ending_of(settings.output.format);
  return {.picture = encode_saved(std::move(picture.image), picture.record, settings),
          .text = sample_text(picture.record),
          .json = sample_json(name, picture.record)};
}

using OldTar = std::shared_ptr<const TarSamples>;

/// The tar of one block, and the statistics beside it. Samples are written by their places; one
/// that comes before its turn waits. Those of an older tar of the block are copied.
class TarShard {
 public:
  /// `first`: the place that the block begins with. `old`: may be null.
  TarShard(const fs::path& path, const fs::path& folder, int64_t first, std::string ending,
           OldTar old = nullptr)
      : tar_(path, folder), next_(first), ending_(std::move(ending)), old_(std::move(old)) {}

  void add(int64_t place, Sample sample) {
    added_.push_back(place);
    waiting_.emplace(place, std::move(sample));
    while (next_is_here()) write_next();
  }

  /// Writes all that there is to the disk.
  void complete() {
    while (!waiting_.empty() || next_of_old() >= 0) write_next();
    tar_.complete();
  }
  /// After that; over what has the name.
  void take_name() { tar_.take_name_over(); }
  /// Takes the name if it is free; else returns false and changes nothing.
  bool take_free_name() { return tar_.take_name(); }

  int64_t samples() const { return samples_; }
  /// The places that were added, in the order in which they came.
  const std::vector<int64_t>& added() const { return added_; }
  /// Whether it would be no other than the older tar.
  bool is_as_before() const { return old_ != nullptr && added_.empty(); }

  /// `pictures`: of the block, some of which may have failed.
  std::string statistics(const std::string& name, int64_t pictures) const {
    const nlohmann::json value = {{"tar", name},
                                  {"samples", samples_},
                                  {"failed", pictures - samples_},
                                  {"bytes", tar_.bytes()},
                                  {"sha256", tar_.sha256()}};
    return value.dump(2) + "\n";
  }

 private:
  int64_t next_of_old() const { return old_ == nullptr ? -1 : old_->next(next_); }
  bool next_is_here() const {
    return (!waiting_.empty() && waiting_.begin()->first == next_) || next_of_old() == next_;
  }

  /// The sample of the lowest place among those that wait and those of the older tar.
  void write_next() {
    const int64_t of_old = next_of_old();
    const bool waits = !waiting_.empty() && (of_old < 0 || waiting_.begin()->first <= of_old);
    const int64_t place = waits ? waiting_.begin()->first : of_old;
    if (waits) {
      const std::string key = JobNames::key(place);
      const Sample& sample = waiting_.begin()->second;
      tar_.add(key + ending_, sample.picture);
      tar_.add(key + ".txt", sample.text);
      tar_.add(key + ".json", sample.json);
      waiting_.erase(waiting_.begin());
    } else {
      tar_.add_files(old_->bytes(place));
    }
    next_ = place + 1;
    ++samples_;
  }

  TarFile tar_;
  int64_t next_;
  std::string ending_;
  OldTar old_;
  std::map<int64_t, Sample> waiting_;
  std::vector<int64_t> added_;
  int64_t samples_ = 0;
};

/// The tars of a job, one a block.
class JobTarSink final : public PictureSink {
 public:
  explicit JobTarSink(const SinkInputs& inputs)
      : inputs_(inputs),
        blocks_{.lines = inputs.job->names().pictures() / inputs.settings.n_iter,
                .per_block = inputs.block_pictures} {
    check_writable(inputs.job->names().folder(), "job");
  }

  void add(FinishedPicture picture) override {
    const int64_t place = picture.place;
    shard(blocks_.of_place(place)).add(place, sample_of(std::move(picture), inputs_.settings));
  }

  void end_block(int64_t block) override {
    TarShard& ended = shard(block);
    const bool stays = ended.is_as_before() && inputs_.job->done_tar(block);
    if (!stays) write(block, &ended);
    open_.erase(block);
  }

  void finish() override {
    for (auto& [block, tar] : open_) {
      if (!tar.is_as_before()) keep(block, &tar);
    }
    open_.clear();
  }

 private:
  TarShard& shard(int64_t block) {
    const JobNames& names = inputs_.job->names();
    return open_
        .try_emplace(block, names.tar(block), names.folder(), blocks_.first_place(block),
                     ending_of(names.format()),
                     inputs_.kept == nullptr ? nullptr : inputs_.kept->take(block))
        .first->second;
  }

  /// Statistics never stand beside a tar that they are not of: what a run leaves that ends in
  /// between is drawn again.
  void write(int64_t block, TarShard* tar) {
    const JobNames& names = inputs_.job->names();
    tar->complete();
    {
      const FileLock others(names.sheet());
      ::unlink(names.tar_statistics(block).c_str());
      tar->take_name();
      inputs_.job->sync();
      inputs_.job->replace(names.tar_statistics(block),
                           tar->statistics(names.tar(block).filename(), blocks_.size(block)));
    }
    forgive(*tar);
    inputs_.reporter->wrote(names.tar(block), blocks_.first_place(block));
  }

  /// What a run that is stopped has drawn of a tar: it gets its name without statistics, and the
  /// next run draws the rest. One that has statistics by now is whole, and stays.
  void keep(int64_t block, TarShard* tar) {
    const JobNames& names = inputs_.job->names();
    tar->complete();
    const FileLock others(names.sheet());
    if (name_is_taken(names.tar_statistics(block))) return;
    tar->take_name();
    forgive(*tar);
  }

  void forgive(const TarShard& tar) {
    if (!inputs_.settings.job.retry_failed) return;
    for (const int64_t place : tar.added()) inputs_.job->forgive(place);
  }

  SinkInputs inputs_;
  Blocks blocks_;
  std::map<int64_t, TarShard> open_;
};

/// The tars of a run, each under the next number that is free.
class TarSink final : public PictureSink {
 public:
  explicit TarSink(const SinkInputs& inputs)
      : inputs_(inputs), folder_(inputs.settings.outdir.value_or(default_outdir(inputs.settings))) {
    check_writable(folder_, "outdir");
  }

  void add(FinishedPicture picture) override {
    const int64_t place = picture.place;
    if (!open_) begin(place);
    open_->add(place, sample_of(std::move(picture), inputs_.settings));
    if (++pictures_ == inputs_.block_pictures) finish();
  }

  void finish() override {
    if (!open_) return;
    open_->complete();
    if (!open_->take_free_name()) {
      throw Error(ErrorKind::kFile, printable(path_.string()) + " was written by another run",
                  "give each run an `outdir` of its own, or use `job`");
    }
    const std::string name = path_.filename().string();
    write_over(fs::path(path_).replace_extension(".json"),
               open_->statistics(name, open_->samples()));
    inputs_.reporter->wrote(path_, first_);
    open_.reset();
  }

 private:
  void begin(int64_t place) {
    constexpr int kDigits = 5;
    std::error_code error;
    fs::create_directories(folder_, error);
    do {
      path_ = folder_ / fmt::format("{:0{}}.tar", number_++, kDigits);
    } while (name_is_taken(path_));
    open_.emplace(path_, folder_, place, ending_of(inputs_.settings.output.format));
    first_ = place;
    pictures_ = 0;
  }

  SinkInputs inputs_;
  fs::path folder_, path_;
  std::optional<TarShard> open_;
  int64_t number_ = 0, pictures_ = 0, first_ = 0;
};

}  // namespace

std::unique_ptr<PictureSink> open_tar_sink(const SinkInputs& inputs) {
  return std::make_unique<TarSink>(inputs);
}

std::unique_ptr<PictureSink> open_job_tar_sink(const SinkInputs& inputs) {
  return std::make_unique<JobTarSink>(inputs);
}

}  // namespace sd::job
