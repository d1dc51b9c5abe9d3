#include <cmath>

#include "sampling/samplers/samplers.h"

namespace sd {

at::Tensor sample_ddim_cfgpp(const SampleArgs& args) {
  const auto& alphas = args.model.schedule().alphas_cumprod();
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& from = args.levels[static_cast<size_t>(i)];
    const Level& to = args.levels[static_cast<size_t>(i) + 1];
    const Prediction predicted = args.denoise(x, from);
    const float alpha = alphas[static_cast<size_t>(to.t)];
    const float deviation =
        ddim_deviation(alphas[static_cast<size_t>(from.t)], alpha, args.knobs.eta.value_or(0));
    const at::Tensor noise = args.noise.next(deviation);
    x = args.mix({{to.alpha, predicted.x0},
                  {std::sqrt(1.0F - alpha - deviation * deviation), predicted.uncond_eps},
                  {deviation, noise}});
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

}  // namespace sd
