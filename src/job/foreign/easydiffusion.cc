// Easy Diffusion 3 (ui/easydiffusion/utils/save_utils.py): one PNG tEXt a key, a JSON object in
// EXIF UserComment or NAME.json beside the picture, or NAME.txt with a line "Label: value" each.
// Values may be as Python prints them.

#include <map>

#include "base/split.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "job/infotext.h"

namespace sd::job {
namespace {

using nlohmann::json;

/// The keys, and what a text file calls them.
constexpr NamePair kLabels[] = {{"prompt", "Prompt"},
                                {"negative_prompt", "Negative Prompt"},
                                {"seed", "Seed"},
                                {"use_stable_diffusion_model", "Stable Diffusion model"},
                                {"clip_skip", "Clip Skip"},
                                {"use_vae_model", "VAE model"},
                                {"sampler_name", "Sampler"},
                                {"scheduler_name", "Scheduler"},
                                {"width", "Width"},
                                {"height", "Height"},
                                {"num_inference_steps", "Steps"},
                                {"guidance_scale", "Guidance Scale"},
                                {"prompt_strength", "Prompt Strength"},
                                {"use_lora_model", "LoRA model"},
                                {"lora_alpha", "LoRA Strength"},
                                {"use_hypernetwork_model", "Hypernetwork model"},
                                {"use_controlnet_model", "ControlNet model"},
                                {"use_upscale", "Use Upscaling"},
                                {"use_face_correction", "Use Face Correction"},
                                {"tiling", "Seamless Tiling"}};

constexpr NamePair kSamplers[] = {{"ddim", "DDIM"},
                                  {"plms", "PLMS"},
                                  {"heun", "Heun"},
                                  {"euler", "Euler"},
                                  {"euler_a", "Euler a"},
                                  {"dpm2", "DPM2"},
                                  {"dpm2_a", "DPM2 a"},
                                  {"lms", "LMS"},
                                  {"dpm_fast", "DPM fast"},
                                  {"dpm_adaptive", "DPM adaptive"},
                                  {"dpmpp_2m", "DPM++ 2M"},
                                  {"dpmpp_2s_a", "DPM++ 2S a"},
                                  {"dpmpp_sde", "DPM++ SDE"},
                                  {"dpmpp_2m_sde", "DPM++ 2M SDE"},
                                  {"dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun"},
                                  {"dpmpp_3m_sde", "DPM++ 3M SDE"},
                                  {"restart", "Restart"},
                                  {"ddim_cfgpp", "DDIM CFG++"},
                                  {"unipc", "UniPC"},
                                  {"unipc_tu", "UniPC"},
                                  {"unipc_tq", "UniPC"},
                                  {"unipc_snr", "UniPC"},
                                  {"lcm", "LCM"}};
constexpr NamePair kSchedules[] = {{"automatic", "Automatic"},
                                   {"uniform", "Uniform"},
                                   {"karras", "Karras"},
                                   {"exponential", "Exponential"},
                                   {"polyexponential", "Polyexponential"},
                                   {"sgm_uniform", "SGM Uniform"},
                                   {"kl_optimal", "KL Optimal"},
                                   {"align_your_steps", "Align Your Steps"},
                                   {"simple", "Simple"},
                                   {"normal", "Normal"},
                                   {"ddim", "DDIM"},
                                   {"beta", "Beta"}};

const char* key_of(std::string_view name) {
  for (const NamePair& pair : kLabels) {
    if (name == pair.theirs || name == pair.ours) return pair.theirs;
  }
  return nullptr;
}

/// As Python prints it.
json of_python(const std::string& text) {
  if (text == "None") return nullptr;
  if (text == "True") return true;
  if (text == "False") return false;
  return text;
}

/// A list, Python's text of one, or text with commas.
std::vector<json> items_of(const json& value) {
  if (value.is_array()) return {value.begin(), value.end()};
  if (value.is_number()) return {value};
  std::vector<json> items;
  const std::string text = text_in(value).value_or("");
  std::string item;
  for (const char c : text + ",") {
    if (c == ',') {
      const std::string trimmed(strip(item));
      if (!trimmed.empty()) items.emplace_back(trimmed);
      item.clear();
    } else if (std::string_view("[]'\"").find(c) == std::string_view::npos) {
      item += c;
    }
  }
  return items;
}

void add_loras(const json& values, ForeignRecord* record) {
  const std::vector<json> names = items_of(member(values, "use_lora_model"));
  const std::vector<json> weights = items_of(member(values, "lora_alpha"));
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].is_string()) continue;
    const auto weight = i < weights.size() ? number_in(weights[i]) : std::nullopt;
    record->loras.push_back({.name = names[i], .weight = weight.value_or(0.5), .text_weight = {}});
  }
}

/// "Prompt: a cat\nSeed: 27": a value that is no line of its own goes on.
json of_lines(const std::string& text) {
  json values = json::object();
  std::string last;
  for (const std::string_view each : split(text, '\n')) {
    const std::string line(strip(each));
    const size_t colon = line.find(':');
    const char* key = colon == std::string::npos ? nullptr : key_of(line.substr(0, colon));
    if (key != nullptr) {
      last = key;
      values[last] = of_python(std::string(strip(std::string_view(line).substr(colon + 1))));
    } else if (!line.empty() && text_in(member(values, last))) {
      values[last] = values[last].get<std::string>() + "\n" + line;
    }
  }
  return values;
}

json of_chunks(const image::PngMetadata& texts) {
  json values = json::object();
  for (const auto& [keyword, text] : texts.texts) {
    if (const char* key = key_of(keyword)) values[key] = of_python(text);
  }
  return values;
}

/// An object in EXIF UserComment, or a file beside the picture.
const std::string* object_text(const image::PngMetadata& texts) {
  for (const char* keyword : {"file:json", "parameters"}) {
    const std::string* text = texts.find(keyword);
    if (text != nullptr && looks_like_object(*text)) return text;
  }
  return nullptr;
}

json values_of(const image::PngMetadata& texts) {
  if (const std::string* text = texts.find("file:txt")) return of_lines(*text);
  const std::string* text = object_text(texts);
  if (text == nullptr) return of_chunks(texts);
  const json object = parse_object(*text);
  json values = json::object();
  for (const auto& [name, value] : object.items()) {
    if (const char* key = key_of(name)) values[key] = value;
  }
  return values;
}

void add_unknown(const json& values, ForeignRecord* record) {
  constexpr const char* kUnknown[] = {"use_hypernetwork_model", "use_controlnet_model", "tiling",
                                      "use_upscale", "use_face_correction"};
  for (const char* key : kUnknown) {
    const json& value = member(values, key);
    if (!value.is_null() && value != false && value != json("") && value != "none") {
      record->cannot.emplace_back(key);
    }
  }
}

}  // namespace

bool is_easydiffusion(const image::PngMetadata& texts) {
  const std::string* text = texts.find("file:txt");
  if (text == nullptr) text = object_text(texts);
  for (const char* key : {"use_stable_diffusion_model", "Stable Diffusion model"}) {
    if (texts.find(key) != nullptr) return true;
    if (text != nullptr && text->find(key) != std::string::npos) return true;
  }
  return false;
}

ForeignRecord read_easydiffusion(const image::PngMetadata& texts) {
  const json values = values_of(texts);
  ForeignRecord record;
  record.prompt = text_in(member(values, "prompt"));
  record.negative = text_in(member(values, "negative_prompt")).value_or("");
  record.steps = whole_in(member(values, "num_inference_steps"));
  record.scale = number_in(member(values, "guidance_scale"));
  record.seed = seed_in(member(values, "seed"));
  record.width = whole_in(member(values, "width"));
  record.height = whole_in(member(values, "height"));
  record.model = text_in(member(values, "use_stable_diffusion_model"));
  const json& clip_skip = member(values, "clip_skip");
  if (clip_skip.is_boolean()) record.clip_skip = clip_skip == true ? 2 : 1;
  record.strength = number_in(member(values, "prompt_strength"));
  if (record.strength) record.cannot.emplace_back(kNoStartPicture);
  const auto sampler = text_in(member(values, "sampler_name"));
  if (sampler) record.sampler = translate(kSamplers, *sampler, "sampler", &record.cannot);
  const auto schedule = text_in(member(values, "scheduler_name"));
  if (schedule) {
    record.schedule = translate(kSchedules, *schedule, "schedule", &record.cannot);
    record.noise = "web UI (Forge) or diffusers, by backend; not recorded";
  }
  add_loras(values, &record);
  add_unknown(values, &record);
  const auto vae = text_in(member(values, "use_vae_model"));
  if (vae && !vae->empty()) record.extra["vae"] = *vae;
  return record;
}

}  // namespace sd::job
