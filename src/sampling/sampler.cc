#include "sampling/sampler.h"

#include <string>
#include <vector>

#include "base/names.h"
#include "sampling/samplers/samplers.h"
#include "sampling/schedule.h"

namespace sd {
namespace {

constexpr StepLimits kAnyCount{.least = 1, .most = 10'000, .usual = 20};
// Beyond 10,000 steps single precision no longer tells the times apart.
constexpr StepLimits kFromTwo{.least = 2, .most = 10'000, .usual = 20};

int64_t no_draws(int64_t /*steps*/) { return 0; }
int64_t draw_a_step(int64_t steps) { return steps; }
int64_t draw_a_step_and_one(int64_t steps) { return steps > 0 ? steps + 1 : 0; }

constexpr Sampler kSamplers[] = {
    {.name = "ddim",
     .label = "DDIM",
     .old_names = "",
     .sample = sample_ddim,
     .grid = Grid::kDdim,
     .noise = NoiseUse::kEachStep,
     .draws = draw_a_step,
     .eta = Eta::kTaken,
     .reference = true},
    {.name = "plms",
     .label = "PLMS",
     .old_names = "",
     .sample = sample_plms,
     .grid = Grid::kDdim,
     .noise = NoiseUse::kEachStep,
     .draws = draw_a_step_and_one,
     .reference = true},
    {.name = "dpm_solver",
     .label = "DPM++ 2M",
     .old_names = "",
     .sample = sample_dpm_solver,
     .grid = Grid::kTime,
     .noise = NoiseUse::kNone,
     .draws = no_draws,
     .eta = Eta::kIgnored,
     .starts_from_picture = false,
     .limits = kFromTwo,
     .reference = true},
    {.name = "euler",
     .label = "Euler",
     .old_names = "k_euler",
     .sample = sample_euler,
     .grid = Grid::kSigmas,
     .noise = NoiseUse::kEachStep,
     .draws = draw_a_step,
     .schedule = "uniform",
     .limits = kAnyCount},
};

const Sampler* named(std::string_view name) {
  for (const Sampler& sampler : kSamplers) {
    if (is_name(name, sampler.name)) return &sampler;
  }
  return nullptr;
}

const Sampler* labelled(std::string_view name) {
  for (const Sampler& sampler : kSamplers) {
    if (sampler.reference) continue;
    if (is_name(name, sampler.label) || is_one_of(name, sampler.old_names)) return &sampler;
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
  return labelled(name.substr(0, begin - 1));
}

}  // namespace

std::span<const Sampler> samplers() { return kSamplers; }

SamplerChoice choose_sampler(std::string_view name) {
  const Sampler* sampler = named(name);
  if (sampler == nullptr) sampler = labelled(name);
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
