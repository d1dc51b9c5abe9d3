#include "sampling/sampling_plan.h"

namespace sd::sampling {
namespace {

/// As the web UI counts: a step of two evaluations is two.
double run_length(const SamplingPlan& plan, const SamplingSettings& settings) {
  return static_cast<double>(settings.steps * (plan.sampler.evaluations == 2 ? 2 : 1));
}

}  // namespace

std::function<bool(const Evaluation&)> guidance_of(const SamplingPlan& plan,
                                                   const SamplingSettings& settings) {
  const SamplerKnobs& knobs = settings.knobs;
  const bool always = knobs.s_min_uncond <= 0 && knobs.skip_early_cond <= 0 &&
                      knobs.guidance_from <= 0 && knobs.guidance_until >= 1;
  if (always) return {};
  const bool by_time = plan.sampler.grid == Grid::kWebUi || plan.sampler.grid == Grid::kUniPc;
  const auto evaluations = static_cast<double>(plan.evaluations);
  return [knobs, by_time, evaluations, length = run_length(plan, settings)](const Evaluation& at) {
    const auto number = static_cast<double>(at.number);
    if (number < knobs.guidance_from * evaluations) return false;
    if (number >= knobs.guidance_until * evaluations) return false;
    if (knobs.skip_early_cond > 0 && number / length <= knobs.skip_early_cond) return false;
    // (The web UI compares a timestep where the sampler counts in them.)
    const double sigma = by_time ? at.at.t : at.at.sigma;
    const bool turn = knobs.s_min_uncond_all || at.number % 2 == 1;
    return !(turn && knobs.s_min_uncond > 0 && sigma < knobs.s_min_uncond);
  };
}

}  // namespace sd::sampling
