#include "job/run_output.h"

#include <fmt/core.h>

#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "base/version.h"
#include "job/inpaint_image.h"

namespace sd::job {

namespace {

/// What a record of a job says of the device: what the pictures depend on.
DeviceOptions without_machine(DeviceOptions device) {
  device.device = device.device.substr(0, device.device.find(':'));
  device.threads = 0;
  return device;
}

/// A model's files by their names, wherever they lie on this machine.
void name_files(const ModelPaths& paths, Settings* settings) {
  settings->ckpt = recorded_name(paths.checkpoint);
  settings->config = recorded_name(paths.config);
  settings->vae = recorded_vae(paths.vae, recorded_name);
}

}  // namespace

void Recorder::expect(const std::vector<std::vector<LoraUse>>& sets) {
  for (const std::vector<LoraUse>& uses : sets) {
    for (const LoraUse& use : uses) lora_hashes_.begin(use.file);
  }
}

PictureRecord Recorder::record(const Request& request, const Picture& picture,
                               const Pipeline& pipeline) {
  PictureRecord record{.version = program_version(),
                       .settings = recorded_settings(settings_, request, picture.draw),
                       .draw = picture.draw,
                       .lora_hashes = {},
                       .init_sha256 = "",
                       .mask_sha256 = "",
                       .model_sha256 = checkpoint_hash_.get(),
                       .vae_sha256 = vae_hash_ ? vae_hash_->get() : "",
                       .built_in_model = model_.built_in,
                       .safety = picture.safety};
  Settings& settings = record.settings;
  settings.ckpt = recorded_path(model_.paths.checkpoint);
  settings.config = recorded_path(model_.paths.config);
  settings.vae = recorded_vae(model_.paths.vae);
  settings.weights = pipeline.ema() ? WeightChoice::kEma : WeightChoice::kPlain;
  settings.device = pipeline.device();
  settings.safety = safety_mode_;
  if (!settings_.job.folder.empty()) {
    settings.device = without_machine(settings.device);
    name_files(model_.paths, &settings);
  }
  if (settings.no_watermark) settings.watermark.clear();
  record.lora_hashes = lora_hashes_.of(request.batch.loras);
  if (const auto& loras = request.batch.hires.loras) {
    record.hires_lora_hashes = lora_hashes_.of(*loras);
  }
  for (const EmbeddingUse& use : pipeline.embeddings_of(request, picture.draw.row)) {
    std::string& hash = embedding_hashes_[use.file];
    if (hash.empty()) hash = sha256_of_file(use.file);
    record.embeddings.push_back({use.name, hash});
  }
  if (const auto& image = request.batch.init.image) {
    std::string& hash = init_hashes_[image];
    if (hash.empty()) hash = pixels_sha256(*image);
    record.init_sha256 = hash;
  }
  if (const auto& inpainting = request.batch.init.inpainting) {
    std::string& hash = mask_hashes_[inpainting];
    if (hash.empty()) hash = inpainting_sha256(*inpainting);
    record.mask_sha256 = hash;
  }
  return record;
}

std::string OrderedOutput::why_refused(const Picture& picture) const {
  if (!refused_) return "";
  if (!picture.finite) {
    return "the picture holds values that are not numbers" +
           (picture.cause.empty() ? "" : ", probably for " + picture.cause);
  }
  if (!picture.safety.failure.empty()) {
    return "the picture could not be checked: " + picture.safety.failure;
  }
  return picture.image.empty() ? "the safety checker withheld the picture" : "";
}

void OrderedOutput::add(int64_t place, const Request& request, Picture picture,
                        const Pipeline& pipeline) {
  const std::lock_guard lock(mutex_);
  const std::string reason = why_refused(picture);
  if (!reason.empty()) {
    complain(fmt::format("error: picture {}: ", place) + reason);
    return refused_(place, reason);
  }
  if (!picture.finite && ++not_numbers_ == 1) cause_ = picture.cause;
  say_safety(place, picture.safety);
  FinishedPicture finished{place, std::move(picture.image), std::nullopt};
  if (recorder_ != nullptr) finished.record = recorder_->record(request, picture, pipeline);
  ++count_;  // (A run that is stopped while a record is made has not drawn the picture.)
  waiting_.emplace(place, std::move(finished));
  while (!waiting_.empty() && (refused_ || waiting_.begin()->first == next_)) write_first();
}

void OrderedOutput::end_block(int64_t block) {
  const std::lock_guard lock(mutex_);
  sink_->add({.place = block, .image = {}, .record = std::nullopt, .ends_block = true});
}

void OrderedOutput::finish() {
  const std::lock_guard lock(mutex_);
  finish_sink();
}

bool OrderedOutput::finish_within(std::chrono::milliseconds patience) {
  const std::unique_lock lock(mutex_, patience);
  if (!lock) return false;
  finish_sink();
  return true;
}

void OrderedOutput::finish_sink() {
  while (!waiting_.empty()) write_first();
  sink_->finish();
}

void OrderedOutput::say_safety(int64_t place, const SafetyOutcome& safety) {
  if (!safety.flagged() && safety.failure.empty()) return;
  const char* action = "left as it is";
  if (safety.action == SafetyAction::kBlurred) action = "blurred";
  if (safety.action == SafetyAction::kBlackened) action = "made black";
  if (safety.action == SafetyAction::kWithheld) action = "not written";
  const int64_t number = place + 1;
  if (safety.failure.empty()) {
    notice(fmt::format("safety: picture {} is flagged and {}", number, action));
    return;
  }
  ++unchecked_;
  complain(fmt::format("error: safety: picture {} could not be checked and is {}: {}", number,
                       action, printable(safety.failure)));
}

void OrderedOutput::write_first() {
  auto first = waiting_.extract(waiting_.begin());
  next_ = first.key() + 1;
  if (first.mapped().image.empty()) return;  // withheld
  ++kept_;
  sink_->add(std::move(first.mapped()));
}

}  // namespace sd::job
