#include <cmath>

#include "sampling/few_step_levels.h"
#include "sampling/samplers/samplers.h"

namespace sd::sampling {
namespace {

constexpr double kUsualGamma = 0.3;  // its eta, which the paper calls gamma

}  // namespace

/// Trajectory consistency sampling (Zheng et al. 2024, arXiv:2402.19159), as diffusers'
/// TCDScheduler: to the share `1 - eta` of the next time without noise, then up by noise. One draw
/// a step but the last, for eta 0 too.
static at::Tensor sample_tcd(const SampleArgs& args) {
  const NoiseSchedule& schedule = args.model.schedule();
  // The product is a single one in the published code, and is cut.
  const auto kept = static_cast<float>(1 - args.knobs.eta.value_or(kUsualGamma));
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& to = args.levels[static_cast<size_t>(i) + 1];
    const auto lower = static_cast<int64_t>(kept * static_cast<float>(to.t));
    const Level below = timestep_level(schedule, lower);
    const Prediction predicted = args.denoise(x, args.levels[static_cast<size_t>(i)]);
    const at::Tensor there = at_level(args, predicted, below);
    const double share = std::pow(to.alpha / below.alpha, 2);
    const bool last = i + 1 == args.steps();
    const double up = last ? 0 : std::sqrt(1 - share);
    const at::Tensor noise = last ? at::Tensor() : args.noise.next(up);
    x = up > 0 ? args.mix({{std::sqrt(share), there}, {up, noise}}) : there;
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler tcd_sampler() {
  return {.name = "tcd",
          .label = "TCD",
          .old_names = "",
          .sample = sample_tcd,
          .grid = Grid::kDistilled,
          .noise = NoiseUse::kDraws,
          .draws = draw_but_one,
          .eta = Eta::kTaken,
          .usual_eta = kUsualGamma,
          .knobs = kDistilledKnobs,
          .limits = kFewSteps,
          .webui = false};
}

}  // namespace sd::sampling
