#include "sampling/samplers/samplers.h"

namespace sd::sampling {

/// DDIM CFG++ (Chung et al. 2024, arXiv:2406.08070), as the web UI does it: towards the noise that
/// is predicted without guidance. One evaluation and one draw a step.
static at::Tensor sample_ddim_cfgpp(const SampleArgs& args) {
  return run_ddim(args, [](const SampleArgs& of, const DdimStep& step) {
    return of.mix({{step.to.alpha, step.predicted.x0},
                   {step.direction, step.predicted.uncond_eps},
                   {step.deviation, step.noise}});
  });
}

Sampler webui_ddim_cfgpp_sampler() {
  return {.name = "webui_ddim_cfgpp",
          .label = "DDIM CFG++",
          .old_names = "ddim_cfgpp",
          .sample = sample_ddim_cfgpp,
          .grid = Grid::kWebUi,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step,
          .eta = Eta::kTaken,
          .limits = kTimesteps,
          .guidance = 1 / 12.5};
}

}  // namespace sd::sampling
