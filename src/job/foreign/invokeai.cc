// InvokeAI 3 and later: PNG tEXt "invokeai_metadata", JSON.

#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr NamePair kSamplers[] = {{"ddim", "DDIM"},
                                  {"pndm", "PLMS"},
                                  {"euler", "Euler"},
                                  {"euler_a", "Euler a"},
                                  {"heun", "Heun"},
                                  {"lms", "LMS"},
                                  {"kdpm_2", "DPM2"},
                                  {"kdpm_2_a", "DPM2 a"},
                                  {"dpmpp_2s", "DPM++ 2S a"},
                                  {"dpmpp_2m", "DPM++ 2M"},
                                  {"dpmpp_sde", "DPM++ SDE"},
                                  {"dpmpp_2m_sde", "DPM++ 2M SDE"},
                                  {"dpmpp_3m", "DPM++ 3M SDE"},
                                  {"unipc", "UniPC"},
                                  {"lcm", "LCM"}};

/// Samplers with times of their own have no schedule.
bool has_schedule(const std::string& sampler) {
  return sampler != "DDIM" && sampler != "PLMS" && sampler != "UniPC" && sampler != "LCM";
}

void set_scheduler(std::string name, ForeignRecord* record) {
  record->cannot.emplace_back("diffusers' scheduler");
  const bool karras = name.ends_with("_k");
  if (karras) name.erase(name.size() - 2);
  record->sampler = translate(kSamplers, name, "scheduler", &record->cannot);
  if (name == "dpmpp_2s" || name == "dpmpp_3m") {
    record->sampler.reset();  // without the noise that ours add
    record->cannot.push_back("its scheduler " + name);
  }
  if (karras) {
    record->schedule = "Karras";
  } else if (record->sampler && has_schedule(*record->sampler)) {
    record->schedule = "Uniform";
  }
  const bool noisy =
      name == "euler_a" || name == "kdpm_2_a" || name.find("sde") != std::string::npos;
  if (noisy) {
    record->cannot.emplace_back(
        "step noise of a generator on the device with the seed xor 0xffffffff");
  }
}

/// {"model_name"} of version 3, {"name", "hash"} of later ones.
std::optional<std::string> model_name(const json& model) {
  const auto name = text_in(member(model, "name"));
  return name ? name : text_in(member(model, "model_name"));
}

void add_loras(const json& values, ForeignRecord* record) {
  for (const json& each : member(values, "loras")) {
    const json& model = each.contains("lora") ? member(each, "lora") : member(each, "model");
    record->loras.push_back({.name = model_name(model).value_or(""),
                             .weight = number_in(member(each, "weight")).value_or(1),
                             .text_weight = {}});
  }
}

void add_unknown(const json& values, ForeignRecord* record) {
  constexpr std::pair<const char*, const char*> kLists[] = {{"controlnets", "ControlNet"},
                                                            {"ipAdapters", "IP adapters"},
                                                            {"t2iAdapters", "T2I adapters"}};
  for (const auto& [key, name] : kLists) {
    const json& list = member(values, key);
    if (list.is_array() && !list.empty()) record->cannot.emplace_back(name);
  }
  if (number_in(member(values, "cfg_rescale_multiplier")).value_or(0) != 0) {
    record->cannot.emplace_back("rescaled guidance");
  }
  const std::string base = text_in(member(member(values, "model"), "base")).value_or("sd-1");
  if (base != "sd-1") record->cannot.emplace_back("not a Stable Diffusion v1 model");
}

/// compel's weights: (a)1.2, a++, b--.
bool has_weights(const std::string& prompt) {
  return prompt.find(")+") != std::string::npos || prompt.find(")-") != std::string::npos ||
         prompt.find("++") != std::string::npos || prompt.find("--") != std::string::npos ||
         prompt.find('(') != std::string::npos;
}

}  // namespace

bool is_invokeai(const image::PngMetadata& texts) {
  return texts.find("invokeai_metadata") != nullptr;
}

ForeignRecord read_invokeai(const image::PngMetadata& texts) {
  const json values = parse_object(*texts.find("invokeai_metadata"));
  ForeignRecord record;
  record.prompt = text_in(member(values, "positive_prompt"));
  record.negative = text_in(member(values, "negative_prompt"));
  record.steps = whole_in(member(values, "steps"));
  record.scale = number_in(member(values, "cfg_scale"));
  record.seed = seed_in(member(values, "seed"));
  record.width = whole_in(member(values, "width"));
  record.height = whole_in(member(values, "height"));
  const json& model = member(values, "model");
  record.model = model_name(model);
  record.model_hash = text_in(member(model, "hash"));
  const auto skipped = whole_in(member(values, "clip_skip"));
  if (skipped && *skipped > 0) record.clip_skip = *skipped + 1;
  const auto device = text_in(member(values, "rand_device"));
  if (device) record.noise = (*device == "cpu" ? "CPU" : *device) + ", one picture per seed";
  if (device && *device != "cpu") record.cannot.push_back("noise of a generator on " + *device);
  record.strength = number_in(member(values, "strength"));
  if (record.strength) record.cannot.emplace_back(kNoStartPicture);
  set_scheduler(text_in(member(values, "scheduler")).value_or(""), &record);
  if (record.prompt && has_weights(*record.prompt)) {
    record.cannot.emplace_back("compel's prompt weights");
  }
  add_loras(values, &record);
  add_unknown(values, &record);
  const auto vae = model_name(member(values, "vae"));
  if (vae) record.extra["vae"] = *vae;
  return record;
}

}  // namespace sd::job
