#include "sampling/samplers/samplers.h"

namespace sd {

at::Tensor sample_ddim_cfgpp(const SampleArgs& args) {
  return run_ddim(args, [](const SampleArgs& of, const DdimStep& step) {
    return of.mix({{step.to.alpha, step.predicted.x0},
                   {step.direction, step.predicted.uncond_eps},
                   {step.deviation, step.noise}});
  });
}

}  // namespace sd
