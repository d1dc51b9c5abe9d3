#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "job/blocks.h"
#include "job/job_folder.h"
#include "job/job_list.h"
#include "job/kept_tars.h"
#include "job/prompt_file.h"
#include "job/shard.h"

namespace sd::job {

/// What a shard is made of; all of it must outlive the shard.
struct ShardInputs {
  const Settings& settings;
  const ModelDescription& model;
  bool built_in_model = false;
  const PromptFile& prompts;
  const JobFolder& folder;
  Shard shard = {};
  /// Reads a line of the prompt file.
  std::function<PromptLine(const std::string& text, int64_t number)> parse;
  /// Puts what a line failed of into the words of whoever wrote it. Null: as it is.
  std::function<std::string(std::string_view reason)> words = nullptr;
  /// In tars: those of which only what they lack is drawn, because their run was stopped or, with
  /// `retry_failed`, because it failed. Null: such are drawn whole, or are done.
  KeptTars* kept = nullptr;
};

/// Lines of the prompt file in a block, each with as many batches as `settings.job.block` says.
int64_t lines_per_block(const Settings& settings);

/// The batches of one shard of a job, without those that are done. They are planned block by block,
/// and which pictures a block draws, with which random numbers, does not depend on the shards: so
/// neither memory nor pictures do. What cannot be drawn goes to failed/.
class ShardJobs final : public JobSource {
 public:
  /// Checks the settings. Throws kUsage or kFile.
  explicit ShardJobs(const ShardInputs& inputs);
  /// Looks for the first block that is not done. Throws kFile.
  void start();

  std::optional<Job> take() override;
  void done(const Job& job) override;
  bool go_on_without(const Job& job, const Error& error) override;

  size_t size() const override;
  int64_t pictures() const override;
  int64_t failed_lines() const override;
  bool stopped() const override;

  /// A picture was drawn that cannot be saved.
  void fail(int64_t place, const std::string& reason);

  /// Called with each block of which all is drawn or failed, outside of any lock.
  void on_block_done(std::function<void(int64_t block)> call) { block_done_ = std::move(call); }
  /// Makes the calls for the blocks that have ended since the last one, unless it is open whether
  /// their lines failed or the machine.
  void tell_ended_blocks();

  /// After `start`: whether there is nothing to draw.
  bool draws_nothing() const;
  /// After `start`: whether there is nothing to draw and nothing to write.
  bool nothing_left() const;
  /// The batches that a run is prepared for: plain lines', and those of the shard's first block.
  const std::vector<PlannedBatch>& typical() const { return typical_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Suspect {
    int64_t place = 0;
    std::string reason;
  };

  void plan_plain();
  void plan_until_queued();
  void plan_block(int64_t block);
  std::vector<PlannedBatch> batches_of(int64_t block, bool tell);
  void leave_out(int64_t place, const Error& error);
  void leave_out(const Job& job, const Error& error);
  void skip_to(int64_t block);
  void skip(int64_t block);
  void queue(const PlannedBatch& batch, int64_t block);
  void note_failures(const std::vector<Suspect>& failures);
  void write_failure(int64_t place, int64_t line, const std::string& reason) const;
  void end_job(const Job& job);
  bool take_as_done(int64_t block);
  void keep_tar(int64_t block, std::shared_ptr<const TarSamples> tar);
  bool is_settled(int64_t place);
  bool skips_failed(int64_t place);
  int64_t pass_of(int64_t block) const { return block / blocks_.in_pass(); }
  int64_t in_pass(int64_t block) const { return block % blocks_.in_pass(); }
  int64_t own_blocks() const;
  int64_t count_pictures() const;
  std::optional<Clock::time_point> deadline() const;

  ShardInputs inputs_;
  Blocks blocks_;
  bool in_tars_;
  std::shared_ptr<const TarSamples> old_tar_;  // of the block that is planned, or null
  BatchPlanner planner_;
  pipeline::NoisePlan noise_;
  std::vector<PlannedBatch> plain_, typical_;
  int64_t next_ = 0;    // of the shard's blocks, in order
  int64_t placed_ = 0;  // the first of all blocks whose noise has no place yet
  std::deque<Job> queued_;
  size_t numbered_ = 0;                // jobs
  std::map<int64_t, size_t> open_;     // jobs of each block that are not done
  std::map<int64_t, int64_t> lines_;   // numbers of the lines of open blocks, by place
  std::vector<int64_t> ended_blocks_;  // that are still to be told
  std::vector<Suspect> suspects_;      // failed since the last job that was drawn
  int failed_jobs_ = 0;                // since then
  bool has_drawn_ = false;             // a job, in this run
  int64_t total_ = 0;                  // pictures of the shard
  int64_t settled_ = 0;                // that need not be drawn, or could not be
  int64_t failed_ = 0;
  std::function<void(int64_t)> block_done_;
  Clock::time_point start_ = Clock::now();
  std::map<size_t, Clock::time_point> begun_;
  Clock::duration longest_ = {};
};

}  // namespace sd::job
