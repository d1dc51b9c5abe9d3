// stable-diffusion.cpp (examples/common/common.cpp, media_io.cpp): PNG text "parameters", JPEG
// comment, XMP sdcpp:parameters of a WebP. Its fields are not quoted, and the last may be JSON.

#include "job/foreign/infotext_record.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "job/foreign/xmp.h"

namespace sd::job {
namespace {

constexpr std::string_view kVersion = "Version: stable-diffusion.cpp";

constexpr NamePair kSamplers[] = {
    {"euler", "Euler"},          {"euler_a", "Euler a"},  {"heun", "Heun"}, {"dpm2", "DPM2"},
    {"dpm++2s_a", "DPM++ 2S a"}, {"dpm++2m", "DPM++ 2M"}, {"lcm", "LCM"},   {"ddim", "DDIM"}};
constexpr NamePair kSchedules[] = {{"discrete", "Uniform"},     {"default", "Uniform"},
                                   {"karras", "Karras"},        {"exponential", "Exponential"},
                                   {"ays", "Align Your Steps"}, {"sgm_uniform", "SGM Uniform"},
                                   {"simple", "Simple"},        {"kl_optimal", "KL Optimal"}};
constexpr NamePair kNoise[] = {
    {"cuda", "Philox, one picture at a time, seed + index"},
    {"cpu", "torch's CPU generator, one picture at a time, seed + index"},
    {"std_default", "the C++ library's generator, one picture at a time, seed + index"}};

std::string text_of(const image::PngMetadata& texts) {
  if (const std::string* text = texts.find("parameters")) return *text;
  const std::string* packet = texts.find("XML:com.adobe.xmp");
  return packet == nullptr ? "" : xmp_property(*packet, "sdcpp:parameters");
}

/// "euler_a karras": method, space, schedule; older versions leave the usual schedule out.
void take_sampler(const std::string& both, ForeignRecord* record) {
  const size_t space = both.find(' ');
  const std::string method = both.substr(0, space);
  record->sampler = translate(kSamplers, method, "sampler", &record->cannot);
  if (space == std::string::npos) {
    if (record->sampler) record->schedule = "Uniform";
    return;
  }
  const std::string schedule = both.substr(space + 1);
  if (schedule == "lcm") {
    record->cannot.emplace_back(
        "its schedule lcm takes 50 timesteps at i*50//n, as diffusers' LCMScheduler");
    return;
  }
  record->schedule = translate(kSchedules, schedule, "schedule", &record->cannot);
}

}  // namespace

bool is_sdcpp(const image::PngMetadata& texts) {
  return text_of(texts).find(kVersion) != std::string::npos;
}

ForeignRecord read_sdcpp(const image::PngMetadata& texts) {
  std::string text = text_of(texts);
  const size_t version = text.rfind("\nSteps: ");
  const size_t tail = text.find(", SDCPP: {", version == std::string::npos ? 0 : version);
  if (tail != std::string::npos) text.resize(tail);
  const InfoText info = parse_infotext(text);
  InfoText known = info;
  std::erase_if(known.fields, [](const auto& field) { return field.first == "Sampler"; });
  ForeignRecord record = record_of_infotext(known);
  if (const std::string* sampler = info.find("Sampler")) take_sampler(*sampler, &record);
  if (const std::string* rng = info.find("RNG")) {
    std::vector<std::string> unknown;
    record.noise = translate(kNoise, *rng, "random numbers", &unknown);
    if (*rng != "cuda" && *rng != "cpu") record.cannot.push_back("its random numbers " + *rng);
  }
  return record;
}

}  // namespace sd::job
