#include <cmath>

#include "sampling/samplers/samplers.h"

namespace sd::sampling {
namespace {

/// What a latent consistency model says of x; the factors are single numbers in the published code.
at::Tensor consistent(const SampleArgs& args, const at::Tensor& x, const Prediction& predicted,
                      double t) {
  constexpr float kData = 0.25F;  // the square of the data's deviation
  const auto scaled = static_cast<float>(10 * t);
  const float square = scaled * scaled + kData;
  return args.mix({{scaled / std::sqrt(square), predicted.x0}, {kData / square, x}});
}

}  // namespace

/// Consistency sampling as diffusers' LCMScheduler: in alpha² + sigma² = 1, at its whole timesteps.
static at::Tensor sample_diffusers_lcm(const SampleArgs& args) {
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& from = args.levels[static_cast<size_t>(i)];
    const Level& to = args.levels[static_cast<size_t>(i) + 1];
    const at::Tensor x0 = consistent(args, x, args.denoise(x, from), from.t);
    x = i + 1 < args.steps() ? args.mix({{to.alpha, x0}, {to.sigma, args.noise.next(to.sigma)}})
                             : x0;
    args.report(i + 1, x, x0);
  }
  return x;
}

Sampler diffusers_lcm_sampler() {
  return {.name = "diffusers_lcm",
          .label = "LCM (diffusers)",
          .old_names = "",
          .sample = sample_diffusers_lcm,
          .grid = Grid::kDistilled,
          .noise = NoiseUse::kDraws,
          .draws = draw_but_one,
          .knobs = kDistilledKnobs,
          .limits = kFewSteps,
          .webui = false};
}

}  // namespace sd::sampling
