#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095): from the last two pictures. No draws.
static at::Tensor sample_dpmpp_2m(const SampleArgs& args) {
  const at::Tensor sigmas = sigmas_of(args);
  at::Tensor x = args.x;
  at::Tensor before;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const at::Tensor x0 = args.denoise(x, args.model.level(sigmas[i])).x0;
    const at::Tensor t = sigmas[i].log().neg(), next = sigmas[i + 1].log().neg();
    const at::Tensor h = next - t;
    const double shrink = weight(next.neg().exp() / t.neg().exp());
    const double gain = -weight((-h).expm1());
    double slope = 0;  // of the pictures, from the last two
    if (before.defined() && !is_zero(sigmas[i + 1])) {
      const at::Tensor r = (t - sigmas[i - 1].log().neg()) / h;
      slope = weight(1 / (2 * r));
    }
    x = args.mix({{shrink, x}, {gain * (1 + slope), x0}, {-gain * slope, before}});
    before = x0;
    args.report(i + 1, x, x0);
  }
  return x;
}

Sampler dpmpp_2m_sampler() {
  return {.name = "dpmpp_2m",
          .label = "DPM++ 2M",
          .old_names = "k_dpmpp_2m",
          .sample = sample_dpmpp_2m,
          .schedule = "karras",
          .draws = no_draws};
}

}  // namespace sd::sampling
