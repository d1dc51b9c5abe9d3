#include "job/foreign/foreign_replay.h"

#include "base/version.h"
#include "job/foreign/batch_place.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "pipeline/hires.h"

namespace sd::job {

namespace {

/// The place that texts of early web UIs state; the first of one else.
BatchPlace stated_place(const ForeignRecord& record) {
  constexpr int64_t kMost = 64;
  const auto number = [&](const char* field) {
    const std::string* text = record.infotext ? record.infotext->find(field) : nullptr;
    return text == nullptr ? std::nullopt : whole_in(*text);
  };
  const auto batch = number("Batch size"), before = number("Batch pos");
  if (!batch || !before || *before < 0 || *before >= *batch || *batch > kMost) return {};
  return {*batch, *before};
}

}  // namespace

ForeignPicture foreign_picture(const ForeignRecord& record, int width, int height) {
  ForeignPicture picture;
  Settings settings = settings_of(record, &picture.cannot);
  if (!record.width || !record.height) {
    settings.batch.width = width;
    settings.batch.height = height;
  }
  settings.watermark.clear();
  settings.safety = SafetyMode::kOff;
  settings.device.precision = Precision::kFull;
  picture.record.version = program_version();
  picture.record.draw = {.seed = settings.seed,
                         .batch = 1,
                         .row = 0,
                         .noise_rows = 1,
                         .offset = 0,
                         .code_offset = {},
                         .latent_offset = {},
                         .variation_seed = settings.picture.variation_seed};
  if (settings.script == Script::kImg2Img) picture.record.draw.latent_offset = 0;
  const BatchPlace place = stated_place(record);
  if (place.batch > 1 && pipeline::encodes_first_pass(settings.batch.hires)) {
    const bool varies = settings.batch.noise.variation_strength != 0;
    picture.record.draw = at_place(picture.record.draw, place, varies);
  }
  picture.record.settings = std::move(settings);
  picture.model_hash = record.model_hash.value_or("");
  const auto field = [&](const char* name) {
    const std::string* text = record.infotext ? record.infotext->find(name) : nullptr;
    return text == nullptr ? std::string() : *text;
  };
  picture.vae_hash = field("VAE hash");
  picture.loras = parse_hash_list(field("Lora hashes"));
  picture.embeddings = parse_hash_list(field("TI hashes"));
  return picture;
}

}  // namespace sd::job
