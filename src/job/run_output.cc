#include "job/run_output.h"

#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "base/version.h"

namespace sd {

PictureRecord Recorder::record(const PlannedBatch& batch, const Picture& picture,
                               const Pipeline& pipeline) {
  const Request& request = batch.request;
  PictureRecord record;
  record.version = program_version();
  record.script = options_.script;
  record.picture = request.pictures[static_cast<size_t>(picture.draw.row)];
  record.width = request.width;
  record.height = request.height;
  record.sampler = request.sampler;
  record.schedule = request.schedule;
  record.steps = request.steps;
  record.eta = request.eta;
  record.rng = options_.rng;
  record.draw = picture.draw;
  record.own_stream = !request.seeds.empty();
  record.fixed_code = request.fixed_code;
  if (request.init_image != nullptr) record.init = init_record(batch);
  record.model = {.checkpoint = recorded_path(model_.paths.checkpoint),
                  .config = recorded_path(model_.paths.config),
                  .sha256 = checkpoint_hash_.get(),
                  .ema = pipeline.ema(),
                  .built_in = model_.built_in};
  record.device = pipeline.device();
  record.safety_mode = safety_mode_;
  record.safety = picture.safety;
  if (!options_.no_watermark) record.watermark = options_.watermark;
  return record;
}

InitRecord Recorder::init_record(const PlannedBatch& batch) {
  std::string& hash = init_hashes_[batch.request.init_image];
  if (hash.empty()) hash = pixels_sha256(*batch.request.init_image);
  return {.file = recorded_path(batch.init_img),
          .pixels_sha256 = hash,
          .strength = batch.request.strength,
          .fit = options_.fit,
          .exif = options_.exif};
}

void OrderedOutput::add(int64_t place, const PlannedBatch& batch, Picture picture,
                        const Pipeline& pipeline) {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (!picture.finite) ++not_numbers_;
  say_safety(place, picture.safety);
  Waiting waiting{std::move(picture.image), std::nullopt};
  if (recorder_ != nullptr) waiting.record = recorder_->record(batch, picture, pipeline);
  waiting_.emplace(place, std::move(waiting));
  while (!waiting_.empty() && waiting_.begin()->first == next_) write_first();
}

void OrderedOutput::finish() {
  const std::lock_guard lock(mutex_);
  write_rest();
}

bool OrderedOutput::finish_within(std::chrono::milliseconds patience) {
  const std::unique_lock lock(mutex_, patience);
  if (!lock) return false;
  write_rest();
  return true;
}

void OrderedOutput::write_rest() {
  while (!waiting_.empty()) write_first();
  write_grid();
}

void OrderedOutput::write_grid() {
  writer_->finish(records_.empty() ? PngMetadata() : grid_metadata(records_));
  records_.clear();
}

void OrderedOutput::say_safety(int64_t place, const SafetyOutcome& safety) {
  if (!safety.flagged() && safety.failure.empty()) return;
  const char* action = "left as it is";
  if (safety.action == SafetyAction::kBlurred) action = "blurred";
  if (safety.action == SafetyAction::kBlackened) action = "made black";
  if (safety.action == SafetyAction::kWithheld) action = "not written";
  const auto number = static_cast<long long>(place + 1);
  if (safety.failure.empty()) {
    notice(format("safety: picture %lld is flagged and %s", number, action));
    return;
  }
  ++unchecked_;
  complain(format("error: safety: picture %lld could not be checked and is %s: %s", number, action,
                  printable(safety.failure).c_str()));
}

void OrderedOutput::write_first() {
  auto first = waiting_.extract(waiting_.begin());
  next_ = first.key() + 1;
  Waiting& picture = first.mapped();
  if (picture.image.empty()) return;  // withheld
  writer_->add(std::move(picture.image),
               picture.record ? metadata_of(*picture.record) : PngMetadata());
  if (picture.record && writer_->makes_grid()) records_.push_back(std::move(*picture.record));
  if (writer_->page_is_full()) write_grid();
}

}  // namespace sd
