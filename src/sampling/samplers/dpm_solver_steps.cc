#include "sampling/samplers/dpm_solver_steps.h"

namespace sd::sampling {

DpmSolverStep::DpmSolverStep(const SampleArgs& args, at::Tensor x, at::Tensor t)
    : args_(args),
      x_(std::move(x)),
      t_(std::move(t)),
      start_(args.denoise(x_, args.model.level(sigma_at(t_)))) {}

at::Tensor DpmSolverStep::first_order(const at::Tensor& to) {
  return args_.mix({{1, x_}, {-weight(sigma_at(to) * (to - t_).expm1()), start_.eps}});
}

const at::Tensor& DpmSolverStep::eps_at_r1(const at::Tensor& to, double r1) {
  if (!eps_r1_.defined()) {
    const at::Tensor h = to - t_;
    const at::Tensor between = t_ + r1 * h;
    const at::Tensor x =
        args_.mix({{1, x_}, {-weight(sigma_at(between) * (r1 * h).expm1()), start_.eps}});
    eps_r1_ = args_.denoise(x, args_.model.level(sigma_at(between))).eps;
  }
  return eps_r1_;
}

at::Tensor DpmSolverStep::second_order(const at::Tensor& to, double r1) {
  const at::Tensor& eps_r1 = eps_at_r1(to, r1);
  const at::Tensor gain = sigma_at(to) * (to - t_).expm1();
  const double slope = weight(gain) / (2 * r1);
  return args_.mix({{1, x_}, {-weight(gain) + slope, start_.eps}, {-slope, eps_r1}});
}

at::Tensor DpmSolverStep::third_order(const at::Tensor& to) {
  constexpr double kR1 = 1.0 / 3, kR2 = 2.0 / 3;
  const at::Tensor h = to - t_;
  const at::Tensor between = t_ + kR2 * h;
  const at::Tensor& eps_r1 = eps_at_r1(to, kR1);
  const auto weights = [&](const at::Tensor& sigma, const at::Tensor& length, double r) {
    const at::Tensor grown = length.expm1();
    return std::pair{weight(sigma * grown), weight(sigma * (grown / length - 1)) * r};
  };
  const auto [gain_r2, slope_r2] = weights(sigma_at(between), kR2 * h, kR2 / kR1);
  const at::Tensor x = args_.mix({{1, x_}, {-gain_r2 + slope_r2, start_.eps}, {-slope_r2, eps_r1}});
  const at::Tensor eps_r2 = args_.denoise(x, args_.model.level(sigma_at(between))).eps;
  const auto [gain, slope] = weights(sigma_at(to), h, 1 / kR2);
  return args_.mix({{1, x_}, {-gain + slope, start_.eps}, {-slope, eps_r2}});
}

NoisyTarget noisy_target(const at::Tensor& from, const at::Tensor& to, const at::Tensor& end,
                         double eta) {
  if (eta == 0) return {to, 0};
  const AncestralStep step = ancestral_step(sigma_at(from), sigma_at(to), eta);
  const at::Tensor target = at::minimum(end, time_at(step.down));
  const at::Tensor up = (sigma_at(to).pow(2) - sigma_at(target).pow(2)).pow(0.5);
  return {target, weight(up)};
}

}  // namespace sd::sampling
