#include <algorithm>
#include <cmath>

#include "sampling/samplers/samplers.h"

namespace sd::sampling {

Levels ddim_levels(const NoiseSchedule& schedule, int64_t steps, double eta) {
  const DdimSchedule ddim = make_ddim_schedule(schedule, steps, eta);
  const float first = schedule.alphas_cumprod().front();
  Levels levels = {{0, std::sqrt(first), std::sqrt(1.0F - first)}};
  for (size_t i = 0; i < ddim.alphas.size(); ++i) {
    levels.push_back({static_cast<double>(ddim.timesteps[i]), std::sqrt(ddim.alphas[i]),
                      ddim.sqrt_one_minus_alphas[i]});
  }
  std::reverse(levels.begin(), levels.end());
  return levels;
}

at::Tensor at_level(const SampleArgs& args, const Prediction& prediction, const Level& level) {
  return args.mix({{level.alpha, prediction.x0}, {level.sigma, prediction.eps}});
}

at::Tensor run_ddim(const SampleArgs& args,
                    at::Tensor (*next)(const SampleArgs& args, const DdimStep& step)) {
  const auto& alphas = args.model.schedule().alphas_cumprod();
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& from = args.levels[static_cast<size_t>(i)];
    const Level& to = args.levels[static_cast<size_t>(i) + 1];
    x = args.begun(x, i);
    const Prediction predicted = args.denoise(x, from);
    const float alpha = alphas[static_cast<size_t>(to.t)];
    const float deviation =
        ddim_deviation(alphas[static_cast<size_t>(from.t)], alpha, args.knobs.eta.value_or(0));
    const at::Tensor noise = args.noise.next(deviation);
    const float direction = std::sqrt(1.0F - alpha - deviation * deviation);
    x = next(args, {predicted, to, direction, deviation, noise});
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

/// DDIM (Song, Meng and Ermon 2020, arXiv:2010.02502), as ldm.models.diffusion.ddim does it: one
/// evaluation and one draw a step, the draw for eta 0 too.
static at::Tensor sample_ddim(const SampleArgs& args) {
  return run_ddim(args, [](const SampleArgs& of, const DdimStep& step) {
    if (step.deviation == 0) return at_level(of, step.predicted, step.to);
    return of.mix({{step.to.alpha, step.predicted.x0},
                   {step.direction, step.predicted.eps},
                   {step.deviation, step.noise}});
  });
}

Sampler ddim_sampler() {
  return {.name = "ddim",
          .label = "DDIM",
          .old_names = "",
          .sample = sample_ddim,
          .grid = Grid::kDdim,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .eta = Eta::kTaken,
          .limits = kTimesteps,
          .reference = true};
}

Sampler webui_ddim_sampler() {
  return {.name = "webui_ddim",
          .label = "DDIM",
          .old_names = "",
          .sample = sample_ddim,
          .grid = Grid::kWebUi,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .eta = Eta::kTaken,
          .limits = kTimesteps};
}

}  // namespace sd::sampling
