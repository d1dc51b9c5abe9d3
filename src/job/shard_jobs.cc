#include "job/shard_jobs.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strings.h"

namespace sd::job {
namespace {

/// Jobs that may fail one after the other before the run ends: then it is not the lines.
constexpr int kMostFailedJobs = 3;
constexpr std::chrono::seconds kToWindUp(2);

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool names_adapters(const Job& job) {
  const BatchSettings& batch = job.request.batch;
  return !batch.loras.empty() || (batch.hires.loras && !batch.hires.loras->empty());
}

}  // namespace

int64_t lines_per_block(const Settings& settings) {
  return settings.job.block * settings.n_samples;
}

ShardJobs::ShardJobs(const ShardInputs& inputs)
    : inputs_(inputs),
      blocks_{.lines = inputs.prompts.lines(), .per_block = inputs.prompts.lines_per_block()},
      in_tars_(inputs.settings.output.sink == "tar"),
      planner_(inputs.settings, inputs.model, inputs.built_in_model),
      noise_(inputs.model, inputs.settings.fixed_code) {
  plan_plain();
  total_ = count_pictures();
}

void ShardJobs::start() {
  const std::lock_guard lock(mutex_);
  plan_until_queued();
}

/// What a line without flags is drawn as. (Without an init image on the command line there is no
/// such line.)
void ShardJobs::plan_plain() {
  const Settings& settings = inputs_.settings;
  if (settings.script == Script::kImg2Img && settings.batch.init.file.empty()) return;
  for (int64_t i = 0; i < settings.n_samples; ++i) planner_.add(settings, i);
  plain_ = planner_.finish(inputs_.prompts.lines());
  typical_ = plain_;
}

int64_t ShardJobs::own_blocks() const {
  const int64_t blocks = inputs_.prompts.blocks() * inputs_.settings.n_iter;
  const auto [index, count] = inputs_.shard;
  return index < blocks ? divide_up(blocks - index, count) : 0;
}

int64_t ShardJobs::count_pictures() const {
  const auto [index, count] = inputs_.shard;
  int64_t pictures = 0;
  for (int64_t i = 0; i < own_blocks(); ++i) pictures += blocks_.size(index + i * count);
  return pictures;
}

std::optional<Job> ShardJobs::take() {
  if (stopped()) return std::nullopt;
  std::optional<Job> job;
  {
    const std::lock_guard lock(mutex_);
    plan_until_queued();
    const auto wall = deadline();
    const bool in_time = !wall || Clock::now() + longest_ <= *wall;
    if (!queued_.empty() && in_time) {
      job = std::move(queued_.front());
      queued_.pop_front();
      begun_[job->number] = Clock::now();
    } else if (queued_.empty() && !interrupted()) {
      note_failures(std::exchange(suspects_, {}));
    }
  }
  tell_ended_blocks();
  return job;
}

void ShardJobs::plan_until_queued() {
  while (queued_.empty() && next_ < own_blocks() && !interrupted()) {
    plan_block(inputs_.shard.index + next_++ * inputs_.shard.count);
  }
}

void ShardJobs::plan_block(int64_t block) {
  skip_to(block);
  if (in_tars_ && take_as_done(block)) return;
  const std::vector<PlannedBatch> batches = batches_of(block, /*tell=*/true);
  const bool is_first = numbered_ == 0;
  for (const PlannedBatch& batch : batches) queue(batch, block);
  noise_.forget_all_but(plain_.empty() ? nullptr : plain_.front().request.batch.init.image);
  placed_ = block + 1;
  if (is_first && numbered_ > 0) {
    typical_.insert(typical_.end(), batches.begin(), batches.end());
  }
  if (!open_.contains(block)) ended_blocks_.push_back(block);
}

/// False where something of the block's tar is to be drawn.
bool ShardJobs::take_as_done(int64_t block) {
  old_tar_ = nullptr;
  KeptTars* kept = inputs_.kept;
  const JobNames& names = inputs_.folder.names();
  const auto statistics = inputs_.folder.done_tar(block);
  if (!statistics) {
    if (kept != nullptr) keep_tar(block, kept->open_unfinished(names, block));
    return false;
  }
  if (statistics->failed > 0 && inputs_.settings.job.retry_failed && kept != nullptr) {
    keep_tar(block, kept->open(names, block));
    return false;
  }
  failed_ += statistics->failed;
  settled_ += blocks_.size(block);
  return true;
}

/// What the block's tar holds is not drawn again, and has not failed.
void ShardJobs::keep_tar(int64_t block, std::shared_ptr<const TarSamples> tar) {
  old_tar_ = std::move(tar);
  if (old_tar_ == nullptr) return;
  const int64_t first = blocks_.first_place(block);
  for (int64_t place = first; place < first + blocks_.size(block); ++place) {
    if (old_tar_->has(place)) inputs_.folder.forgive(place);
  }
}

std::vector<PlannedBatch> ShardJobs::batches_of(int64_t block, bool tell) {
  const PromptFile& prompts = inputs_.prompts;
  int64_t place = blocks_.first_place(in_pass(block));
  for (const PromptFile::Line& line : prompts.read(in_pass(block))) {
    const PromptLine parsed = inputs_.parse(line.text, line.number);
    const int64_t of_job = pass_of(block) * prompts.lines() + place;
    if (tell) lines_[of_job] = line.number;
    try {
      if (!parsed.problem.empty()) throw Error(ErrorKind::kUsage, parsed.problem, parsed.hint);
      planner_.add(parsed.settings, place);
    } catch (const Error& error) {
      rethrow_if_stopped(error);
      if (tell) leave_out(of_job, error);
    }
    ++place;
  }
  return planner_.finish(prompts.lines());
}

void ShardJobs::leave_out(int64_t place, const Error& error) {
  if (skips_failed(place)) {
    ++settled_;
    return;
  }
  const int64_t line = lines_.at(place);
  complain(fmt::format("error: line {} of {}: ", line, printable(inputs_.settings.from_file)) +
           error.what() + "; left out");
  write_failure(place, line, error.what());
  ++settled_;
  ++failed_;
}

/// A batch whose texts cannot be made in this pass.
void ShardJobs::leave_out(const Job& job, const Error& error) {
  for (const int64_t place : job.places) {
    if (is_settled(place)) {
      ++settled_;
    } else {
      leave_out(place, error);
    }
  }
}

/// Goes through the noise of the blocks of other shards, which those of this one come after.
void ShardJobs::skip_to(int64_t block) {
  for (; placed_ < block; ++placed_) skip(placed_);
}

void ShardJobs::skip(int64_t block) {
  if (inputs_.settings.seed_mode == SeedMode::kImage) return;
  const int64_t of_pass = in_pass(block);
  const bool is_plain = inputs_.prompts.is_plain(of_pass);
  if (is_plain && (plain_.empty() || !plain_.front().request.noise.shared())) return;
  // (Words may name adapters, which part the batches, or fail.)
  const bool only_words =
      !inputs_.settings.expand && inputs_.settings.batch.prompts.syntax == PromptSyntax::kPlain;
  if (is_plain && only_words) {
    const int64_t batches =
        divide_up(inputs_.prompts.lines_in(of_pass), inputs_.settings.n_samples);
    return noise_.skip(plain_.front().request, batches);
  }
  for (const PlannedBatch& batch : batches_of(block, /*tell=*/false)) {
    Request request = planned_request(batch, pass_of(block));
    noise_.place(&request);
  }
  noise_.forget_all_but(plain_.empty() ? nullptr : plain_.front().request.batch.init.image);
}

/// The batch, of which only those pictures are drawn that are wanted.
void ShardJobs::queue(const PlannedBatch& batch, int64_t block) {
  Job job{.number = numbered_,
          .block = block,
          .places = places_of(batch, pass_of(block), inputs_.prompts.lines()),
          .request = planned_request(batch, pass_of(block))};
  try {
    fill_in_texts(batch, pass_of(block), &job.request);
  } catch (const Error& error) {
    rethrow_if_stopped(error);
    noise_.place(&job.request);
    return leave_out(job, error);
  }
  noise_.place(&job.request);
  std::vector<int64_t>& keep = job.request.keep;
  for (size_t row = 0; row < job.places.size(); ++row) {
    if (!is_settled(job.places[row])) keep.push_back(static_cast<int64_t>(row));
  }
  settled_ += std::ssize(job.places) - std::ssize(keep);
  if (keep.empty()) return;
  if (keep.size() == job.places.size()) keep.clear();
  ++open_[block];
  ++numbered_;
  queued_.push_back(std::move(job));
}

bool ShardJobs::is_settled(int64_t place) {
  const bool is_drawn =
      in_tars_ ? old_tar_ != nullptr && old_tar_->has(place) : inputs_.folder.is_drawn(place);
  // (A run that is killed may leave a failure that is overcome.)
  if (is_drawn && inputs_.settings.job.retry_failed) inputs_.folder.forgive(place);
  return is_drawn || skips_failed(place);
}

bool ShardJobs::skips_failed(int64_t place) {
  if (inputs_.settings.job.retry_failed || inputs_.folder.failures(place) == 0) return false;
  ++failed_;
  return true;
}

void ShardJobs::done(const Job& job) {
  JobSource::done(job);
  {
    const std::lock_guard lock(mutex_);
    const auto begun = begun_.find(job.number);
    if (begun != begun_.end()) longest_ = std::max(longest_, Clock::now() - begun->second);
    failed_jobs_ = 0;
    has_drawn_ = true;
    note_failures(std::exchange(suspects_, {}));
    end_job(job);
  }
  tell_ended_blocks();
}

bool ShardJobs::go_on_without(const Job& job, const Error& error) {
  const ErrorKind kind = error.kind();
  // (What is damaged while a job is drawn is an adapter: the model is loaded before.)
  const bool of_adapter = kind == ErrorKind::kCheckpoint && names_adapters(job);
  const bool of_line = of_adapter || kind == ErrorKind::kUsage || kind == ErrorKind::kFile ||
                       kind == ErrorKind::kDevice;
  if (!of_line) return false;
  JobSource::done(job);
  {
    const std::lock_guard lock(mutex_);
    // The command's adapters are in each job: where one was drawn, they are sound.
    const bool is_sure = of_adapter && (has_drawn_ || inputs_.settings.batch.loras.empty());
    if (!is_sure && ++failed_jobs_ >= kMostFailedJobs) return false;
    std::vector<Suspect> failures;
    for (size_t row = 0; row < job.places.size(); ++row) {
      const bool wanted = job.request.keep.empty() ||
                          std::ranges::count(job.request.keep, static_cast<int64_t>(row)) > 0;
      if (wanted) failures.push_back({job.places[row], error.what()});
    }
    if (is_sure) {
      note_failures(failures);
    } else {
      suspects_.insert(suspects_.end(), failures.begin(), failures.end());
    }
    end_job(job);
  }
  complain(std::string("error: ") + error.what() + "; its pictures are left out");
  tell_ended_blocks();
  return true;
}

void ShardJobs::note_failures(const std::vector<Suspect>& failures) {
  for (const Suspect& each : failures) {
    const auto line = lines_.find(each.place);
    write_failure(each.place, line == lines_.end() ? 0 : line->second, each.reason);
    ++settled_;
    ++failed_;
  }
}

void ShardJobs::write_failure(int64_t place, int64_t line, const std::string& reason) const {
  inputs_.folder.fail(place, line, inputs_.words ? inputs_.words(reason) : reason);
}

void ShardJobs::fail(int64_t place, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  note_failures({{place, reason}});
}

void ShardJobs::end_job(const Job& job) {
  begun_.erase(job.number);
  const auto open = open_.find(job.block);
  if (--open->second > 0) return;
  open_.erase(open);
  ended_blocks_.push_back(job.block);
}

void ShardJobs::tell_ended_blocks() {
  std::vector<int64_t> ended;
  {
    const std::lock_guard lock(mutex_);
    if (!suspects_.empty()) return;  // it may be the machine that failed: their blocks are not done
    ended.swap(ended_blocks_);
    for (const int64_t block : ended) {
      const int64_t first = blocks_.first_place(block);
      lines_.erase(lines_.lower_bound(first), lines_.lower_bound(first + blocks_.size(block)));
    }
  }
  if (!block_done_) return;
  for (const int64_t block : ended) block_done_(block);
}

size_t ShardJobs::size() const {
  const std::lock_guard lock(mutex_);
  return numbered_ + static_cast<size_t>((own_blocks() - next_) * inputs_.settings.job.block);
}

int64_t ShardJobs::pictures() const {
  const std::lock_guard lock(mutex_);
  return total_ - settled_;
}

int64_t ShardJobs::failed_lines() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

bool ShardJobs::draws_nothing() const {
  const std::lock_guard lock(mutex_);
  return queued_.empty();
}

bool ShardJobs::nothing_left() const {
  const std::lock_guard lock(mutex_);
  return queued_.empty() && next_ == own_blocks() && (ended_blocks_.empty() || !in_tars_);
}

std::optional<ShardJobs::Clock::time_point> ShardJobs::deadline() const {
  const auto& limit = inputs_.settings.job.time_limit;
  if (!limit) return std::nullopt;
  const std::chrono::duration<double> length(limit->seconds);
  const std::chrono::duration<double> margin =
      std::min<std::chrono::duration<double>>(kToWindUp, length / 10);
  return start_ + std::chrono::duration_cast<Clock::duration>(length - margin);
}

bool ShardJobs::stopped() const {
  const auto wall = deadline();
  return JobSource::stopped() || (wall && Clock::now() > *wall);
}

}  // namespace sd::job
