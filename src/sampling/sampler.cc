#include "sampling/sampler.h"

#include <string>
#include <vector>

#include "base/names.h"
#include "sampling/samplers/samplers.h"
#include "sampling/schedule.h"

namespace sd {
namespace {

constexpr StepLimits kTimesteps{};
// Beyond 10,000 steps single precision no longer tells the times apart.
constexpr StepLimits kFromTwo{.least = 2, .most = 10'000, .usual = 20};

int64_t no_draws(const SamplingPlan& /*plan*/) { return 0; }
int64_t draw_a_step(const SamplingPlan& plan) { return plan.total; }
int64_t draw_a_step_and_one(const SamplingPlan& plan) {
  return plan.total > 0 ? plan.total + 1 : 0;
}
int64_t draw_but_last(const SamplingPlan& plan) {
  const bool ends_at_zero = plan.levels.back().sigma == 0;
  return plan.total - (plan.total > 0 && ends_at_zero ? 1 : 0);
}
int64_t unknown_draws(const SamplingPlan& /*plan*/) { return -1; }

constexpr Sampler kSamplers[] = {
    {.name = "ddim",
     .label = "DDIM",
     .old_names = "",
     .sample = sample_ddim,
     .grid = Grid::kDdim,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .eta = Eta::kTaken,
     .limits = kTimesteps,
     .reference = true},
    {.name = "plms",
     .label = "PLMS",
     .old_names = "",
     .sample = sample_plms,
     .grid = Grid::kDdim,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step_and_one,
     .eta = Eta::kRefused,
     .limits = kTimesteps,
     .reference = true},
    {.name = "dpm_solver",
     .label = "DPM++ 2M",
     .old_names = "",
     .sample = sample_dpm_solver,
     .grid = Grid::kTime,
     .draws = no_draws,
     .limits = kFromTwo,
     .starts_from_picture = false,
     .reference = true},
    {.name = "euler",
     .label = "Euler",
     .old_names = "k_euler",
     .sample = sample_euler,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .knobs = kNoiseKnob | kChurnKnobs},
    {.name = "euler_a",
     .label = "Euler a",
     .old_names = "k_euler_a,k_euler_ancestral",
     .sample = sample_euler_a,
     .noise = NoiseUse::kDraws,
     .draws = draw_but_last,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .uses_noise_seed_delta = true},
    {.name = "lms", .label = "LMS", .old_names = "k_lms", .sample = sample_lms, .draws = no_draws},
    {.name = "heun",
     .label = "Heun",
     .old_names = "k_heun",
     .sample = sample_heun,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .evaluations = 2,
     .knobs = kNoiseKnob | kChurnKnobs},
    {.name = "dpm2",
     .label = "DPM2",
     .old_names = "k_dpm_2",
     .sample = sample_dpm2,
     .schedule = "karras",
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .evaluations = 2,
     .knobs = kNoiseKnob | kChurnKnobs,
     .discards_next_to_last = true},
    {.name = "dpm2_a",
     .label = "DPM2 a",
     .old_names = "k_dpm_2_a",
     .sample = sample_dpm2_a,
     .schedule = "karras",
     .noise = NoiseUse::kDraws,
     .draws = draw_but_last,
     .evaluations = 2,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob,
     .discards_next_to_last = true,
     .uses_noise_seed_delta = true},
    {.name = "dpmpp_2s_a",
     .label = "DPM++ 2S a",
     .old_names = "k_dpmpp_2s_a",
     .sample = sample_dpmpp_2s_a,
     .schedule = "karras",
     .noise = NoiseUse::kDraws,
     .draws = draw_but_last,
     .evaluations = 2,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob,
     .uses_noise_seed_delta = true},
    {.name = "dpmpp_2m",
     .label = "DPM++ 2M",
     .old_names = "k_dpmpp_2m",
     .sample = sample_dpmpp_2m,
     .schedule = "karras",
     .draws = no_draws},
    {.name = "dpmpp_sde",
     .label = "DPM++ SDE",
     .old_names = "k_dpmpp_sde",
     .sample = sample_dpmpp_sde,
     .schedule = "karras",
     .noise = NoiseUse::kBrownian,
     .draws = no_draws,
     .evaluations = 2,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob},
    {.name = "dpmpp_2m_sde",
     .label = "DPM++ 2M SDE",
     .old_names = "k_dpmpp_2m_sde",
     .sample = sample_dpmpp_2m_sde,
     .schedule = "exponential",
     .noise = NoiseUse::kBrownian,
     .draws = no_draws,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob},
    {.name = "dpmpp_2m_sde_heun",
     .label = "DPM++ 2M SDE Heun",
     .old_names = "k_dpmpp_2m_sde_heun",
     .sample = sample_dpmpp_2m_sde_heun,
     .schedule = "exponential",
     .noise = NoiseUse::kBrownian,
     .draws = no_draws,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob},
    {.name = "dpmpp_3m_sde",
     .label = "DPM++ 3M SDE",
     .old_names = "k_dpmpp_3m_sde",
     .sample = sample_dpmpp_3m_sde,
     .schedule = "exponential",
     .noise = NoiseUse::kBrownian,
     .draws = no_draws,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob,
     .discards_next_to_last = true},
    {.name = "dpm_fast",
     .label = "DPM fast",
     .old_names = "k_dpm_fast",
     .sample = sample_dpm_fast,
     .grid = Grid::kEnds,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .knobs = kNoiseKnob,
     .uses_noise_seed_delta = true},
    {.name = "dpm_adaptive",
     .label = "DPM adaptive",
     .old_names = "k_dpm_ad",
     .sample = sample_dpm_adaptive,
     .grid = Grid::kEnds,
     .noise = NoiseUse::kDraws,
     .draws = unknown_draws,
     .evaluations = 3,
     .eta = Eta::kTaken,
     .usual_eta = 1,
     .uses_noise_seed_delta = true},
    {.name = "restart",
     .label = "Restart",
     .old_names = "",
     .sample = sample_restart,
     .schedule = "karras",
     .noise = NoiseUse::kDraws,
     .draws = restart_draws,
     .evaluations = 2,
     .knobs = kNoiseKnob},
    {.name = "webui_ddim",
     .label = "DDIM",
     .old_names = "",
     .sample = sample_ddim,
     .grid = Grid::kWebUi,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .eta = Eta::kTaken,
     .limits = kTimesteps},
    {.name = "webui_ddim_cfgpp",
     .label = "DDIM CFG++",
     .old_names = "ddim_cfgpp",
     .sample = sample_ddim_cfgpp,
     .grid = Grid::kWebUi,
     .noise = NoiseUse::kDraws,
     .draws = draw_a_step,
     .eta = Eta::kTaken,
     .limits = kTimesteps,
     .guidance = 1 / 12.5},
    {.name = "webui_plms",
     .label = "PLMS",
     .old_names = "",
     .sample = sample_webui_plms,
     .grid = Grid::kWebUi,
     .draws = no_draws,
     .limits = kTimesteps},
    {.name = "unipc",
     .label = "UniPC",
     .old_names = "",
     .sample = sample_unipc,
     .grid = Grid::kUniPc,
     .draws = no_draws,
     .knobs = kUniPcKnobs,
     .limits = kTimesteps},
    {.name = "lcm",
     .label = "LCM",
     .old_names = "k_lcm",
     .sample = sample_lcm,
     .noise = NoiseUse::kDraws,
     .draws = draw_but_last,
     .consistency = true},
};

const Sampler* named(std::string_view name) {
  for (const Sampler& sampler : kSamplers) {
    if (is_name(name, sampler.name)) return &sampler;
  }
  return nullptr;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Sampler& sampler : kSamplers) names.emplace_back(sampler.name);
  return names;
}

/// The choice where `name` ends in a space and `end`; otherwise nothing.
const Sampler* before(std::string_view name, std::string_view end) {
  if (end.empty() || name.size() < end.size() + 2) return nullptr;
  const size_t begin = name.size() - end.size();
  if (name[begin - 1] != ' ' || !is_name(name.substr(begin), end)) return nullptr;
  const std::string_view first = name.substr(0, begin - 1);
  const Sampler* sampler = named(first);
  return sampler != nullptr ? sampler : find_webui_sampler(first);
}

}  // namespace

std::span<const Sampler> samplers() { return kSamplers; }

const Sampler* find_webui_sampler(std::string_view label) {
  for (const Sampler& sampler : kSamplers) {
    if (sampler.reference) continue;
    if (is_name(label, sampler.label) || is_one_of(label, sampler.old_names)) return &sampler;
  }
  return nullptr;
}

SamplerChoice choose_sampler(std::string_view name) {
  const Sampler* sampler = named(name);
  if (sampler == nullptr) sampler = find_webui_sampler(name);
  if (sampler != nullptr) return {*sampler, nullptr};
  for (const Schedule& schedule : schedules()) {
    for (const std::string_view end : {schedule.label, schedule.name, schedule.old_names}) {
      if (const Sampler* found = before(name, end)) return {*found, &schedule};
    }
  }
  throw unknown_name("sampler", name, all_names());
}

const Sampler& find_sampler(std::string_view name) {
  if (const Sampler* sampler = named(name)) return *sampler;
  throw unknown_name("sampler", name, all_names());
}

}  // namespace sd
