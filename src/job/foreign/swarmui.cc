// SwarmUI (docs/Image Metadata Format.md): PNG text "parameters", EXIF UserComment, as JSON.

#include "job/foreign/comfyui_names.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

/// A list, or text with commas between the items.
std::vector<json> items_of(const json& value) {
  std::vector<json> items;
  if (value.is_array()) return {value.begin(), value.end()};
  const std::string text = value.is_number() ? value.dump() : text_in(value).value_or("");
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string item = text.substr(begin, end - begin);
    item.erase(0, item.find_first_not_of(' '));
    items.emplace_back(item);
    begin = end + 1;
  }
  return items;
}

void add_loras(const json& params, ForeignRecord* record) {
  const std::vector<json> names = items_of(member(params, "loras"));
  const std::vector<json> weights = items_of(member(params, "loraweights"));
  const std::vector<json> text_weights = items_of(member(params, "loratencweights"));
  for (size_t i = 0; i < names.size(); ++i) {
    ForeignLora lora = {.name = text_in(names[i]).value_or(""), .weight = 1, .text_weight = {}};
    if (i < weights.size()) lora.weight = number_in(weights[i]).value_or(1);
    if (i < text_weights.size()) lora.text_weight = number_in(text_weights[i]);
    record->loras.push_back(lora);
  }
}

void add_variation(const json& params, ForeignRecord* record) {
  const auto seed = seed_in(member(params, "variationseed"));
  const auto weight = number_in(member(params, "variationseedstrength"));
  if (seed && weight) record->variation = json::array({{{"seed", *seed}, {"weight", *weight}}});
}

/// The hash of the model itself, not of its LoRAs.
std::optional<std::string> model_hash(const json& values) {
  for (const json& model : member(values, "sui_models")) {
    if (member(model, "param") == "model") return text_in(member(model, "hash"));
  }
  return std::nullopt;
}

void add_sampling(const json& params, ForeignRecord* record) {
  set_comfyui_sampling(member(params, "sampler"), member(params, "scheduler"), record);
  record->noise = "CPU, each picture of a batch by its own generator, seed + index";
  if (member(params, "sampler").is_string()) {
    record->cannot.emplace_back("ComfyUI's samplers");
  } else {
    record->cannot = {"no sampler is written: the model's usual one of that version"};
  }
}

}  // namespace

bool is_swarmui(const image::PngMetadata& texts) {
  const std::string* text = texts.find("parameters");
  return text != nullptr && looks_like_object(*text) &&
         text->find("\"sui_image_params\"") != std::string::npos;
}

ForeignRecord read_swarmui(const image::PngMetadata& texts) {
  const json values = parse_object(*texts.find("parameters"));
  const json& params = member(values, "sui_image_params");
  if (!params.is_object()) throw Error(ErrorKind::kFile, "not a record", "it has no parameters");
  ForeignRecord record;
  record.prompt = text_in(member(params, "prompt"));
  record.negative = text_in(member(params, "negativeprompt")).value_or("");
  record.steps = whole_in(member(params, "steps"));
  record.scale = number_in(member(params, "cfgscale"));
  record.seed = seed_in(member(params, "seed"));
  record.width = whole_in(member(params, "width"));
  record.height = whole_in(member(params, "height"));
  record.model = text_in(member(params, "model"));
  record.model_hash = model_hash(values);
  const auto layer = whole_in(member(params, "clipstopatlayer"));
  if (layer && *layer < 0) record.clip_skip = -*layer;
  add_sampling(params, &record);
  add_loras(params, &record);
  say_comfyui_prompts(&record);
  add_variation(params, &record);
  record.strength = number_in(member(params, "initimagecreativity"));
  if (record.strength) record.cannot.emplace_back(kNoStartPicture);
  const auto vae = text_in(member(params, "vae"));
  if (vae) record.extra["vae"] = *vae;
  return record;
}

}  // namespace sd::job
