// NovelAI: PNG tEXt Title, Description (the prompt), Software "NovelAI", Source, Comment (JSON).
// What its first models imply is what the web UI takes from them: clip skip 2, a seed delta of
// 31337.

#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr NamePair kSamplers[] = {{"k_euler", "Euler"},
                                  {"k_euler_ancestral", "Euler a"},
                                  {"k_lms", "LMS"},
                                  {"k_heun", "Heun"},
                                  {"k_dpm_2", "DPM2"},
                                  {"k_dpm_2_ancestral", "DPM2 a"},
                                  {"k_dpm_fast", "DPM fast"},
                                  {"k_dpm_adaptive", "DPM adaptive"},
                                  {"k_dpmpp_2s_ancestral", "DPM++ 2S a"},
                                  {"k_dpmpp_2m", "DPM++ 2M"},
                                  {"k_dpmpp_sde", "DPM++ SDE"},
                                  {"k_dpmpp_2m_sde", "DPM++ 2M SDE"},
                                  {"ddim", "DDIM"},
                                  {"ddim_v3", "DDIM"},
                                  {"plms", "PLMS"}};
constexpr NamePair kSchedules[] = {
    {"karras", "Karras"}, {"exponential", "Exponential"}, {"polyexponential", "Polyexponential"}};

std::string text_of(const image::PngMetadata& texts, const char* keyword) {
  const std::string* text = texts.find(keyword);
  return text == nullptr ? "" : *text;
}

bool is_v1(const std::string& source) {
  return source.starts_with("Stable Diffusion") && source.find(" XL") == std::string::npos;
}

void add_first_models(const json& values, ForeignRecord* record) {
  constexpr int kSeedDelta = 31337;
  record->clip_skip = 2;
  record->noise = "web UI: ENSD 31337, clip skip 2";
  record->extra["ensd"] = kSeedDelta;
  record->cannot.emplace_back("the model is not public");
  const std::string& prompt = *record->prompt;
  if (prompt.find_first_of("{[") != std::string::npos) {
    record->cannot.emplace_back("{ } multiply by 1.05, [ ] divide by it");
  }
  if (text_in(member(values, "request_type")).value_or("") == "Img2ImgRequest") {
    record->strength = number_in(member(values, "strength"));
    record->cannot.emplace_back(kNoStartPicture);
  }
}

}  // namespace

bool is_novelai(const image::PngMetadata& texts) {
  const std::string software = text_of(texts, "Software");
  return software == "NovelAI" && texts.find("Comment") != nullptr;
}

ForeignRecord read_novelai(const image::PngMetadata& texts) {
  const json values = parse_object(*texts.find("Comment"));
  ForeignRecord record;
  record.prompt = text_of(texts, "Description");
  if (const auto prompt = text_in(member(values, "prompt"))) record.prompt = prompt;
  record.negative = text_in(member(values, "uc"));
  record.steps = whole_in(member(values, "steps"));
  record.scale = number_in(member(values, "scale"));
  record.seed = seed_in(member(values, "seed"));
  record.width = whole_in(member(values, "width"));
  record.height = whole_in(member(values, "height"));
  record.size_from_picture = !record.width;
  const std::string source = text_of(texts, "Source");
  if (!source.empty()) record.model = source;
  record.sampler = translate(kSamplers, text_in(member(values, "sampler")).value_or(""), "sampler",
                             &record.cannot);
  const std::string schedule = text_in(member(values, "noise_schedule")).value_or("native");
  if (schedule != "native") {
    record.schedule = translate(kSchedules, schedule, "schedule", &record.cannot);
  }
  if (member(values, "sm") == true) record.cannot.emplace_back("its sampling SMEA");
  if (is_v1(source)) {
    add_first_models(values, &record);
  } else {
    record.cannot.emplace_back("not a Stable Diffusion v1 model");
  }
  return record;
}

}  // namespace sd::job
