// Fooocus 2.5.5 (modules/meta_parser.py): PNG tEXt "parameters" and "fooocus_scheme"; JPEG and
// WebP: EXIF UserComment and MakerNote. In its own scheme the text is JSON, in the other the web
// UI's.

#include "job/foreign/comfyui_names.h"
#include "job/foreign/infotext_record.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"

namespace sd::job {
namespace {

using nlohmann::json;

std::string scheme_of(const image::PngMetadata& texts) {
  for (const char* keyword : {"fooocus_scheme", "exif:MakerNote"}) {
    if (const std::string* scheme = texts.find(keyword)) return *scheme;
  }
  return "";
}

bool names_fooocus(const image::PngMetadata& texts) {
  const std::string* software = texts.find("exif:Software");
  return texts.find("fooocus_scheme") != nullptr ||
         (software != nullptr && software->starts_with("Fooocus"));
}

/// "offset: 0.1, other: 0.5".
void add_weights(const std::string& text, ForeignRecord* record) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(", ", begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const size_t colon = item.rfind(": ");
    if (colon != std::string::npos) {
      record->loras.push_back({.name = item.substr(0, colon),
                               .weight = number_in(item.substr(colon + 2)).value_or(1),
                               .text_weight = {}});
    }
    begin = end + 2;
  }
}

ForeignRecord of_infotext(const std::string& text) {
  const InfoText info = parse_infotext(text);
  ForeignRecord record = record_of_infotext(info);
  record.extra.erase("vae");
  if (const std::string* weights = info.find("Lora weights")) add_weights(*weights, &record);
  return record;
}

void add_loras(const json& values, ForeignRecord* record) {
  for (const json& lora : member(values, "loras")) {
    if (!lora.is_array() || lora.size() < 2 || !lora[0].is_string()) continue;
    record->loras.push_back(
        {.name = lora[0], .weight = number_in(lora[1]).value_or(1), .text_weight = {}});
  }
  for (const auto& [key, value] : values.items()) {
    if (!record->loras.empty() && member(values, "loras").is_array()) break;
    const std::string text = text_in(value).value_or("");
    const size_t colon = text.rfind(" : ");
    if (!key.starts_with("lora_combined_") || colon == std::string::npos) continue;
    record->loras.push_back({.name = text.substr(0, colon),
                             .weight = number_in(text.substr(colon + 3)).value_or(1),
                             .text_weight = {}});
  }
}

ForeignRecord of_json(const std::string& text) {
  const json values = parse_object(text);
  ForeignRecord record;
  record.prompt = text_in(member(values, "prompt"));
  record.negative = text_in(member(values, "negative_prompt"));
  record.steps = whole_in(member(values, "steps"));
  record.scale = number_in(member(values, "guidance_scale"));
  record.seed = seed_in(member(values, "seed"));
  set_size(text_in(member(values, "resolution")).value_or(""), &record);
  record.model = text_in(member(values, "base_model"));
  record.model_hash = text_in(member(values, "base_model_hash"));
  const auto clip_skip = whole_in(member(values, "clip_skip"));
  if (clip_skip) record.clip_skip = clip_skip;
  set_comfyui_sampling(member(values, "sampler"), member(values, "scheduler"), &record);
  add_loras(values, &record);
  return record;
}

}  // namespace

bool is_fooocus(const image::PngMetadata& texts) {
  const std::string* text = texts.find("parameters");
  if (text == nullptr) return false;
  return names_fooocus(texts) || text->find("Version: Fooocus") != std::string::npos ||
         (looks_like_object(*text) && text->find("\"metadata_scheme\"") != std::string::npos);
}

ForeignRecord read_fooocus(const image::PngMetadata& texts) {
  const std::string& text = *texts.find("parameters");
  const bool own = scheme_of(texts) != "a1111" && looks_like_object(text);
  ForeignRecord record = own ? of_json(text) : of_infotext(text);
  record.noise = "CPU, whole batch in one draw";
  record.cannot.emplace_back("SDXL only, with sharpness, ADM guidance and styles of its own");
  return record;
}

}  // namespace sd::job
