#include "job/foreign/comfyui_names.h"

#include <optional>
#include <string_view>

#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

constexpr NamePair kSamplers[] = {{"euler", "Euler"},
                                  {"euler_ancestral", "Euler a"},
                                  {"heun", "Heun"},
                                  {"dpm_2", "DPM2"},
                                  {"dpm_2_ancestral", "DPM2 a"},
                                  {"lms", "LMS"},
                                  {"dpm_fast", "DPM fast"},
                                  {"dpm_adaptive", "DPM adaptive"},
                                  {"dpmpp_2s_ancestral", "DPM++ 2S a"},
                                  {"dpmpp_sde", "DPM++ SDE"},
                                  {"dpmpp_2m", "DPM++ 2M"},
                                  {"dpmpp_2m_sde", "DPM++ 2M SDE"},
                                  {"dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun"},
                                  {"dpmpp_3m_sde", "DPM++ 3M SDE"},
                                  {"ddim", "Euler"},
                                  {"lcm", "LCM"},
                                  {"uni_pc", "UniPC"},
                                  {"uni_pc_bh2", "UniPC"}};
constexpr NamePair kSchedules[] = {{"normal", "Normal"},           {"karras", "Karras"},
                                   {"exponential", "Exponential"}, {"sgm_uniform", "SGM Uniform"},
                                   {"simple", "Simple"},           {"ddim_uniform", "DDIM"},
                                   {"kl_optimal", "KL Optimal"}};

/// What else a sampler does in its own way.
constexpr NamePair kDifferences[] = {
    {"ddim", "its ddim is Euler over the chosen sigmas, not DDIM's update"},
    {"uni_pc", "its UniPC runs over the given sigmas; the web UI's lays its own times"},
    {"lcm", "its LCM predicts over the given sigmas, with step noise of its own"},
    {"dpm_fast", "its DPM fast has eta 0"},
    {"dpm_adaptive", "its DPM adaptive has eta 0"},
    {"euler_ancestral", "step noise of a generator of its own, with the same seed or the next"},
    {"dpm_2_ancestral", "step noise of a generator of its own, with the same seed or the next"},
    {"dpmpp_2s_ancestral", "step noise of a generator of its own, with the same seed or the next"},
    {"dpmpp_sde", "one Brownian tree for the whole batch"},
    {"dpmpp_2m_sde", "one Brownian tree for the whole batch"},
    {"dpmpp_2m_sde_heun", "one Brownian tree for the whole batch"},
    {"dpmpp_3m_sde", "one Brownian tree for the whole batch; no sigma is discarded"}};

/// Whether a bracket stands in the text that is no character of it.
bool has_bracket(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '(' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

}  // namespace

void set_comfyui_sampling(const nlohmann::json& sampler, const nlohmann::json& schedule,
                          ForeignRecord* record) {
  record->noise = "CPU, whole batch in one draw";
  record->cannot.emplace_back(
      "UNet times are the nearest whole timestep, not interpolated (as with the web UI's setting "
      "enable_quantization)");
  if (sampler.is_string()) {
    std::string name = sampler;
    constexpr std::string_view kOnCard = "_gpu";
    if (name.ends_with(kOnCard)) name.erase(name.size() - kOnCard.size());
    record->sampler = translate(kSamplers, name, "sampler", &record->cannot);
    if (name == "uni_pc_bh2") name = "uni_pc";
    for (const NamePair& each : kDifferences) {
      if (name == each.theirs) record->cannot.emplace_back(each.ours);
    }
  }
  if (!schedule.is_string()) return;
  if (schedule == "beta") {
    record->cannot.emplace_back(
        "its schedule beta picks whole timesteps; the web UI's Beta works in sigma");
    return;
  }
  record->schedule = translate(kSchedules, schedule, "schedule", &record->cannot);
}

void say_comfyui_prompts(ForeignRecord* record) {
  bool weighs = false, names_embeddings = false;
  for (const std::optional<std::string>* prompt : {&record->prompt, &record->negative}) {
    if (!*prompt) continue;
    weighs = weighs || has_bracket(**prompt) || text::looks_like_webui(**prompt);
    names_embeddings = names_embeddings || (*prompt)->find("embedding:") != std::string::npos;
  }
  if (weighs) record->cannot.emplace_back("ComfyUI's way with weights and brackets in prompts");
  if (names_embeddings) record->cannot.emplace_back("embeddings that a prompt names (embedding:…)");
}

}  // namespace sd::job
