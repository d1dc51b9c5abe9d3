#include "sampling/sampling_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "sampling/samplers/samplers.h"
#include "sd/error.h"

namespace sd {
namespace {

void check_steps(const Sampler& sampler, int64_t timesteps, int64_t steps) {
  const StepLimits& limits = sampler.limits;
  const int64_t most = limits.most > 0 ? limits.most : timesteps;
  if (steps >= limits.least && steps <= most) return;
  throw Error(ErrorKind::kUsage,
              format("--ddim_steps must be from %lld to %lld with the sampler %s, found %lld",
                     static_cast<long long>(limits.least), static_cast<long long>(most),
                     sampler.name, static_cast<long long>(steps)),
              format("%lld is the usual number", static_cast<long long>(limits.usual)));
}

/// The steps of `steps` that a strength asks for: as Python's int(), the product in double, cut.
int64_t share_of(double strength, int64_t steps) {
  return static_cast<int64_t>(strength * static_cast<double>(steps));
}

/// The last `steps` of them.
Levels end_of(const Levels& levels, int64_t steps) {
  return {levels.end() - std::min(steps + 1, std::ssize(levels)), levels.end()};
}

SamplingPlan plan_ddim(const Sampler& sampler, const ModelSigmas& model,
                       const SamplingSettings& settings) {
  const Levels all = ddim_levels(model.schedule(), settings.steps, settings.knobs.eta);
  if (!settings.strength) return {sampler, all, {.alpha = 0, .sigma = 1}};
  const int64_t steps = share_of(*settings.strength, settings.steps);
  // The reference puts in the noise of one timestep above the first that it takes, and fails where
  // there is none.
  const int64_t above = std::max<int64_t>(std::ssize(all) - 2 - steps, 0);
  return {sampler, end_of(all, steps), all[static_cast<size_t>(above)]};
}

SamplingPlan plan_time(const Sampler& sampler, const ModelSigmas& model,
                       const SamplingSettings& settings) {
  return {sampler, time_levels(model.schedule(), settings.steps), {.alpha = 0, .sigma = 1}};
}

/// As the web UI does it (v1.10.1, modules/sd_samplers_kdiffusion.py and sd_samplers_common.py).
SamplingPlan plan_sigmas(const Sampler& sampler, const ModelSigmas& model,
                         const SamplingSettings& settings) {
  const Schedule* schedule = find_schedule(settings.schedule);
  if (schedule == nullptr) schedule = find_schedule(sampler.schedule);
  const at::Tensor sigmas = schedule->sigmas({model, settings.steps, model.least(), model.most()});
  Levels levels;
  for (int64_t i = 0; i < sigmas.size(0); ++i) levels.push_back(model.level(sigmas[i]));
  if (!settings.strength) {
    const Level start{.alpha = 0, .sigma = levels.front().sigma};
    return {sampler, std::move(levels), start};
  }
  constexpr double kMostStrength = 0.999;
  levels =
      end_of(levels, share_of(std::min(*settings.strength, kMostStrength), settings.steps) + 1);
  const Level start = levels.front();
  return {sampler, std::move(levels), start};
}

}  // namespace

SamplingPlan plan_sampling(const ModelSigmas& model, const SamplingSettings& settings) {
  const Sampler& sampler = find_sampler(settings.sampler);
  check_steps(sampler, model.schedule().timesteps(), settings.steps);
  switch (sampler.grid) {
    case Grid::kDdim:
      return plan_ddim(sampler, model, settings);
    case Grid::kTime:
      return plan_time(sampler, model, settings);
    case Grid::kSigmas:
      return plan_sigmas(sampler, model, settings);
  }
  throw Error(ErrorKind::kInternal, "a sampler has no grid");
}

}  // namespace sd
