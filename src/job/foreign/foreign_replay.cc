#include "job/foreign/foreign_replay.h"

#include "base/version.h"
#include "job/foreign/foreign_settings.h"

namespace sd::job {

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
  picture.record.settings = std::move(settings);
  picture.model_hash = record.model_hash.value_or("");
  const auto list = [&](const char* field) {
    const std::string* text = record.infotext ? record.infotext->find(field) : nullptr;
    return text == nullptr ? std::vector<NamedHash>() : parse_hash_list(*text);
  };
  picture.loras = list("Lora hashes");
  picture.embeddings = list("TI hashes");
  return picture;
}

}  // namespace sd::job
