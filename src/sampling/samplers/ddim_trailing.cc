#include <cmath>

#include "sampling/few_step_levels.h"
#include "sampling/samplers/samplers.h"

namespace sd::sampling {

/// DDIM as diffusers' DDIMScheduler with trailing timesteps: each step is as long as the mean one.
/// One draw a step.
static at::Tensor sample_ddim_trailing(const SampleArgs& args) {
  const double eta = args.knobs.eta.value_or(0);
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& from = args.levels[static_cast<size_t>(i)];
    const auto target = static_cast<int64_t>(args.times[static_cast<size_t>(i)]);
    const Level to =
        target < 0 ? args.levels.back() : timestep_level(args.model.schedule(), target);
    const Prediction predicted = args.denoise(x, from);
    const double kept = std::pow(from.alpha / to.alpha, 2);
    const double deviation = eta * (to.sigma / from.sigma) * std::sqrt(1 - kept);
    const double direction = std::sqrt(std::max(to.sigma * to.sigma - deviation * deviation, 0.0));
    const at::Tensor noise = args.noise.next(deviation);
    x = args.mix({{to.alpha, predicted.x0}, {direction, predicted.eps}});
    if (deviation != 0) x = args.mix({{1, x}, {deviation, noise}});
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

Sampler ddim_trailing_sampler() {
  return {.name = "ddim_trailing",
          .label = "DDIM Trailing",
          .old_names = "",
          .sample = sample_ddim_trailing,
          .grid = Grid::kTrailing,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .eta = Eta::kTaken,
          .knobs = kTrailingKnobs,
          .limits = {.usual = 8},
          .webui = false};
}

}  // namespace sd::sampling
