#include "job/foreign/infotext_record.h"

#include "job/foreign/loose_json.h"
#include "job/webui_pasting.h"

namespace sd::job {
namespace {

using nlohmann::json;

json value_of(const InfoText& text, const char* name) {
  const std::string* value = text.find(name);
  return value == nullptr ? json(nullptr) : json(*value);
}

/// {"width", "height"} of a field like "Hires resize: 0x768"; 0 where it is left to the other side.
void add_resize(const InfoText& text, json* hires) {
  ForeignRecord size;
  if (const std::string* value = text.find("Hires resize")) set_size(*value, &size);
  if (!size.width) return;
  (*hires)["width"] = *size.width;
  (*hires)["height"] = *size.height;
}

/// In texts of early versions "Size" is that of the second pass, and the first has another field.
bool take_first_pass(const InfoText& text, ForeignRecord* record, json* hires) {
  if (text.find("First pass size") == nullptr) return false;
  const nlohmann::ordered_json fields = pasted_fields(text);
  if (!fields.contains("First pass size-1")) return false;
  const auto side = [&](const char* name) { return whole_in(json(fields.at(name))); };
  record->width = side("Size-1");
  record->height = side("Size-2");
  (*hires)["width"] = side("Hires resize-1").value_or(0);
  (*hires)["height"] = side("Hires resize-2").value_or(0);
  return true;
}

/// The second pass, if the text has one; the record's strength is then its.
void take_hires(const InfoText& text, ForeignRecord* record) {
  json hires = json::object();
  if (!take_first_pass(text, record, &hires) && text.find("Hires upscale") == nullptr &&
      text.find("Hires resize") == nullptr) {
    return;
  }
  if (const auto scale = number_in(value_of(text, "Hires upscale"))) hires["scale"] = *scale;
  add_resize(text, &hires);
  hires["upscaler"] = value_of(text, "Hires upscaler");
  const auto steps = whole_in(value_of(text, "Hires steps"));
  hires["steps"] = steps ? json(*steps) : json(nullptr);
  hires["strength"] = record->strength ? json(*record->strength) : json(nullptr);
  constexpr std::pair<const char*, const char*> kTexts[] = {{"sampler", "Hires sampler"},
                                                            {"schedule", "Hires schedule type"},
                                                            {"prompt", "Hires prompt"},
                                                            {"negative", "Hires negative prompt"}};
  for (const auto& [key, field] : kTexts) {
    if (text.find(field) != nullptr) hires[key] = *text.find(field);
  }
  record->hires = hires;
  record->strength.reset();
}

void take_variation(const InfoText& text, ForeignRecord* record) {
  const auto seed = seed_in(value_of(text, "Variation seed"));
  const auto weight = number_in(value_of(text, "Variation seed strength"));
  if (seed && weight) record->variation = json::array({{{"seed", *seed}, {"weight", *weight}}});
}

void take_sampler(const InfoText& text, ForeignRecord* record) {
  const std::string* sampler = text.find("Sampler");
  const std::string* schedule = text.find("Schedule type");
  if (schedule != nullptr) record->schedule = *schedule;
  if (sampler == nullptr) return;
  const WebUiSampler names =
      webui_sampler(*sampler, schedule == nullptr ? "" : *schedule, /*pastes=*/false);
  if (!names.known) {
    record->cannot.push_back("its sampler " + *sampler);
    return;
  }
  record->sampler = names.sampler;
  if (schedule != nullptr || names.schedule != "Automatic") record->schedule = names.schedule;
}

}  // namespace

ForeignRecord record_of_infotext(const InfoText& text) {
  ForeignRecord record;
  record.prompt = text.prompt;
  record.negative = text.negative_prompt;
  record.steps = whole_in(value_of(text, "Steps"));
  record.scale = number_in(value_of(text, "CFG scale"));
  record.seed = seed_in(value_of(text, "Seed"));
  if (const std::string* size = text.find("Size")) set_size(*size, &record);
  record.model = text_in(value_of(text, "Model"));
  record.model_hash = text_in(value_of(text, "Model hash"));
  record.clip_skip = whole_in(value_of(text, "Clip skip"));
  record.strength = number_in(value_of(text, "Denoising strength"));
  if (const auto delta = whole_in(value_of(text, "ENSD"))) record.extra["ensd"] = *delta;
  if (const std::string* vae = text.find("VAE")) record.extra["vae"] = *vae;
  take_loras(&record);
  take_hires(text, &record);
  take_variation(text, &record);
  take_sampler(text, &record);
  return record;
}

}  // namespace sd::job
