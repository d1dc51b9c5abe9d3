#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/new_file.h"
#include "base/strings.h"
#include "job/blocks.h"
#include "job/metadata_list.h"
#include "job/saved_picture.h"
#include "job/settings.h"
#include "job/sinks/sinks.h"
#include "job/tar_file.h"
#include "sd/error.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

/// A picture as a tar holds it: three files of one key.
struct Sample {
  std::string picture, text, json;
};

Sample sample_of(FinishedPicture picture, const Settings& settings) {
  const std::string name = JobNames::key(picture.place) + ending_of(settings.output.format);
  const Image saved =
      saved_picture(std::move(picture.image), watermark_of(settings), settings.output.save_size);
  return {.picture = encode_saved(saved, picture.record, settings.output),
          .text = picture.record ? picture.record->settings.picture.prompt : "",
          .json = picture.record ? to_json(*picture.record).dump() + "\n"
                                 : metadata_line(name, std::nullopt)};
}

/// The tar of one block, and the statistics beside it. Samples are written by their places; one
/// that comes before its turn waits.
class TarShard {
 public:
  /// `first`: the place that the block begins with.
  TarShard(const fs::path& path, const fs::path& folder, int64_t first, std::string ending)
      : tar_(path, folder), next_(first), ending_(std::move(ending)) {}

  void add(int64_t place, Sample sample) {
    waiting_.emplace(place, std::move(sample));
    while (!waiting_.empty() && waiting_.begin()->first == next_) write_first();
  }

  bool finish(bool over) {
    while (!waiting_.empty()) write_first();
    return tar_.finish(over);
  }

  int64_t samples() const { return samples_; }

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
  void write_first() {
    const auto first = waiting_.extract(waiting_.begin());
    const std::string key = JobNames::key(first.key());
    const Sample& sample = first.mapped();
    tar_.add(key + ending_, sample.picture);
    tar_.add(key + ".txt", sample.text);
    tar_.add(key + ".json", sample.json);
    next_ = first.key() + 1;
    ++samples_;
  }

  TarFile tar_;
  int64_t next_;
  std::string ending_;
  std::map<int64_t, Sample> waiting_;
  int64_t samples_ = 0;
};

/// The tars of a job, one a block.
class JobTarSink final : public PictureSink {
 public:
  explicit JobTarSink(const SinkInputs& inputs)
      : inputs_(inputs),
        blocks_{.lines = inputs.job->names().pictures() / inputs.settings.n_iter,
                .per_block = inputs.block_pictures} {}

  void add(FinishedPicture picture) override {
    const int64_t place = picture.place;
    shard(blocks_.of_place(place)).add(place, sample_of(std::move(picture), inputs_.settings));
  }

  void end_block(int64_t block) override {
    const JobNames& names = inputs_.job->names();
    TarShard& ended = shard(block);
    // A tar without statistics was left by a run that ended between the two.
    ended.finish(/*over=*/true);
    inputs_.job->write(names.tar_statistics(block),
                       ended.statistics(names.tar(block).filename(), blocks_.size(block)));
    inputs_.reporter->wrote(names.tar(block), blocks_.first_place(block));
    open_.erase(block);
  }

  void finish() override { open_.clear(); }

 private:
  TarShard& shard(int64_t block) {
    const JobNames& names = inputs_.job->names();
    return open_
        .try_emplace(block, names.tar(block), names.folder(), blocks_.first_place(block),
                     ending_of(names.format()))
        .first->second;
  }

  SinkInputs inputs_;
  Blocks blocks_;
  std::map<int64_t, TarShard> open_;
};

/// The tars of a run, each under the next number that is free.
class TarSink final : public PictureSink {
 public:
  explicit TarSink(const SinkInputs& inputs)
      : inputs_(inputs),
        folder_(inputs.settings.outdir.value_or(default_outdir(inputs.settings))) {}

  void add(FinishedPicture picture) override {
    const int64_t place = picture.place;
    if (!open_) begin(place);
    open_->add(place, sample_of(std::move(picture), inputs_.settings));
    if (++pictures_ == inputs_.block_pictures) finish();
  }

  void finish() override {
    if (!open_) return;
    if (!open_->finish(/*over=*/false)) {
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
      path_ = folder_ / format("%0*lld.tar", kDigits, static_cast<long long>(number_++));
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

}  // namespace sd
