#include "sampling/samplers/samplers.h"

namespace sd {

at::Tensor sample_euler(const SampleArgs& args) {
  at::Tensor x = args.x;
  for (int64_t i = 0; i < args.steps(); ++i) {
    args.noise.next(0);
    const Prediction predicted = args.denoise(x, args.levels[static_cast<size_t>(i)]);
    x = at_level(args, predicted, args.levels[static_cast<size_t>(i) + 1]);
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

}  // namespace sd
