// InvokeAI 1 and 2: PNG tEXt "Dream", a prompt and switches as they were typed, and "sd-metadata",
// JSON.

#include <cctype>

#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "job/infotext.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr NamePair kSamplers[] = {{"ddim", "DDIM"},          {"plms", "PLMS"},
                                  {"k_lms", "LMS"},          {"k_euler", "Euler"},
                                  {"k_euler_a", "Euler a"},  {"k_heun", "Heun"},
                                  {"k_dpm_2", "DPM2"},       {"k_dpm_2_a", "DPM2 a"},
                                  {"k_dpmpp_2", "DPM++ 2M"}, {"k_dpmpp_2_a", "DPM++ 2S a"}};

void set_sampler(const std::string& name, ForeignRecord* record) {
  record->sampler = translate(kSamplers, name, "sampler", &record->cannot);
  if (record->sampler && name.starts_with("k_")) record->schedule = "Uniform";
}

/// Text in [ ] leads away.
void split_negative(const std::string& prompt, ForeignRecord* record) {
  std::string rest, negative;
  for (size_t at = 0; at < prompt.size();) {
    const size_t open = prompt.find('[', at);
    const size_t close = open == std::string::npos ? open : prompt.find(']', open);
    if (close == std::string::npos) {
      rest += prompt.substr(at);
      break;
    }
    rest += prompt.substr(at, open - at);
    if (!negative.empty()) negative += ' ';
    negative += prompt.substr(open + 1, close - open - 1);
    at = close + 1;
  }
  record->prompt = std::string(strip(rest));
  record->negative = negative;
}

/// "seed:weight,seed:weight".
json variations_of(const std::string& text) {
  json variations = json::array();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const size_t colon = std::min(item.find(':'), item.size() - 1);
    const auto seed = seed_in(item.substr(0, colon));
    const auto weight = number_in(item.substr(colon + 1));
    if (seed && weight) variations.push_back({{"seed", *seed}, {"weight", *weight}});
    begin = end + 1;
  }
  return variations;
}

void set_switch(char letter, const std::string& value, ForeignRecord* record) {
  switch (letter) {
    case 's':
      record->steps = whole_in(value);
      return;
    case 'S':
      record->seed = seed_in(value);
      return;
    case 'W':
      record->width = whole_in(value);
      return;
    case 'H':
      record->height = whole_in(value);
      return;
    case 'C':
      record->scale = number_in(value);
      return;
    case 'A':
      set_sampler(value, record);
      return;
    case 'V':
      record->variation = variations_of(value);
      return;
    case 'f':
      record->strength = number_in(value);
      return;
    case 'I':
      record->cannot.emplace_back(kNoStartPicture);
      return;
    default:
      record->cannot.push_back(std::string("the switch -") + letter);
  }
}

bool is_switch(std::string_view text, size_t at) {
  return at + 1 < text.size() && text[at] == '-' &&
         std::isalpha(static_cast<unsigned char>(text[at + 1])) != 0 &&
         (at == 0 || text[at - 1] == ' ');
}

/// Where the prompt ends: behind its closing quote, or before the first switch.
size_t end_of_prompt(std::string_view line, std::string* prompt) {
  if (line.starts_with('"')) {
    const size_t close = line.rfind('"');
    *prompt = line.substr(1, close == 0 ? std::string_view::npos : close - 1);
    return close == 0 ? line.size() : close + 1;
  }
  size_t at = 0;
  while (at < line.size() && !is_switch(line, at)) ++at;
  *prompt = strip(line.substr(0, at));
  return at;
}

/// `"a cat" -s50 -W 512 -A plms # model_id=…`.
void read_dream(std::string_view line, ForeignRecord* record) {
  std::string prompt;
  size_t at = end_of_prompt(line, &prompt);
  split_negative(prompt, record);
  while (at < line.size() && line[at] != '#') {
    if (!is_switch(line, at)) {
      ++at;
      continue;
    }
    const char letter = line[at + 1];
    const size_t begin = std::min(line.find_first_not_of(" =", at + 2), line.size());
    const bool has_value = begin < line.size() && !is_switch(line, begin);
    const size_t end = has_value ? std::min(line.find(' ', begin), line.size()) : begin;
    set_switch(letter, std::string(line.substr(begin, end - begin)), record);
    at = end;
  }
}

/// Prompts with weights: one of weight 1 is a prompt, more are a blend.
void set_prompts(const json& prompts, ForeignRecord* record) {
  if (prompts.is_string()) return split_negative(prompts, record);
  if (!prompts.is_array() || prompts.empty()) return;
  if (prompts.size() == 1) {
    return split_negative(text_in(member(prompts[0], "prompt")).value_or(""), record);
  }
  std::string blend;
  for (const json& each : prompts) {
    const json& weight = member(each, "weight");
    if (!blend.empty()) blend += ' ';
    blend += text_in(member(each, "prompt")).value_or("") + ":" +
             (weight.is_number() ? weight.dump() : "1");
  }
  record->prompt = blend;
  record->negative = "";
  record->cannot.emplace_back("a blend of weighted prompts");
}

void read_metadata(const json& values, ForeignRecord* record) {
  const json& image = member(values, "image");
  if (!image.is_object()) throw Error(ErrorKind::kFile, "not a record", "it has no image");
  set_prompts(member(image, "prompt"), record);
  record->steps = whole_in(member(image, "steps"));
  record->scale = number_in(member(image, "cfg_scale"));
  record->seed = seed_in(member(image, "seed"));
  record->width = whole_in(member(image, "width"));
  record->height = whole_in(member(image, "height"));
  set_sampler(text_in(member(image, "sampler")).value_or(""), record);
  for (const char* key : {"model_id", "model_weights"}) {
    if (!record->model) record->model = text_in(member(values, key));
  }
  record->model_hash = text_in(member(values, "model_hash"));
  const json& variations = member(image, "variations");
  if (variations.is_array() && !variations.empty()) record->variation = variations;
  if (member(image, "type") == "img2img") {
    record->strength = number_in(member(image, "strength"));
    record->cannot.emplace_back(kNoStartPicture);
  }
  if (number_in(member(image, "perlin")).value_or(0) != 0) {
    record->cannot.emplace_back("Perlin noise");
  }
  if (number_in(member(image, "threshold")).value_or(0) != 0) {
    record->cannot.emplace_back("a threshold of the latent's values");
  }
}

}  // namespace

bool is_invokeai_2(const image::PngMetadata& texts) {
  return texts.find("sd-metadata") != nullptr || texts.find("Dream") != nullptr;
}

ForeignRecord read_invokeai_2(const image::PngMetadata& texts) {
  ForeignRecord record;
  const std::string* metadata = texts.find("sd-metadata");
  if (metadata == nullptr) {
    read_dream(*texts.find("Dream"), &record);
    record.program = "InvokeAI 1";
    record.noise = "the reference's: one draw of the device's generator, seeded";
    return record;
  }
  read_metadata(parse_object(*metadata), &record);
  record.noise = "torch's generator on the model's device, one picture";
  record.cannot.emplace_back(
      "diffusers' schedulers of that time, with sigmas between two timesteps interpolated in "
      "sigma");
  record.cannot.emplace_back("noise drawn in the model's type, half precision on a GPU");
  return record;
}

}  // namespace sd::job
