#include <cmath>

#include "sampling/samplers/dpm_solver_steps.h"

namespace sd::sampling {
namespace {

/// Chooses the length of steps by the error of the last ones (a controller that integrates).
class StepLength {
 public:
  StepLength(double first, double order) : length_(first), power_(1 / order) {}

  double length() const { return length_; }

  /// Whether the step that had this error counts; then or not, the next one's length is set.
  bool accept(double error) {
    constexpr double kLeast = 0.81, kTiny = 1e-8;
    const double factor = 1 + std::atan(std::pow(1 / (error + kTiny), power_) - 1);
    length_ *= factor;
    return factor >= kLeast;
  }

 private:
  double length_;
  double power_;
};

/// Against the size of what it is the error of.
double error_of(const at::Tensor& low, const at::Tensor& high, const at::Tensor& before) {
  constexpr double kAbsolute = 0.0078, kRelative = 0.05;
  const at::Tensor size = at::maximum(low.abs(), before.abs()) * kRelative;
  const at::Tensor error = (low - high) / size.clamp_min(kAbsolute);
  return error.norm().item<double>() / std::sqrt(static_cast<double>(error.numel()));
}

int64_t unknown_draws(const SamplingPlan& /*plan*/) { return -1; }

}  // namespace

/// DPM-Solver (Lu et al. 2022, arXiv:2206.00927) in steps whose length hangs on their error. One
/// draw a step that counts.
static at::Tensor sample_dpm_adaptive(const SampleArgs& args) {
  constexpr double kFirstLength = 0.05, kClose = 1e-5;
  const at::Tensor ends = sigmas_of(args).to(at::kFloat);
  const at::Tensor end = time_at(ends[-1]);
  const double eta = ancestral_eta(args);
  StepLength length(kFirstLength, eta != 0 ? 1.5 : 3);
  at::Tensor t = time_at(ends[0]);
  at::Tensor x = args.x, before = args.x;
  for (int64_t i = 1; weight(t) < weight(end - kClose); ++i) {
    const at::Tensor to = at::minimum(end, t + length.length());
    const NoisyTarget target = noisy_target(t, to, end, eta);
    DpmSolverStep step(args, x, t);
    const at::Tensor low = step.second_order(target.to, 1.0 / 3);
    const at::Tensor high = step.third_order(target.to);
    if (length.accept(error_of(low, high, before))) {
      const at::Tensor noise = args.noise.next(target.up);
      before = low;
      x = target.up != 0 ? args.mix({{1, high}, {target.up, noise}}) : high;
      t = to;
    }
    args.report(i, x, step.x0());
  }
  return x;
}

Sampler dpm_adaptive_sampler() {
  return {.name = "dpm_adaptive",
          .label = "DPM adaptive",
          .old_names = "k_dpm_ad",
          .sample = sample_dpm_adaptive,
          .grid = Grid::kEnds,
          .noise = NoiseUse::kDraws,
          .draws = unknown_draws,
          .evaluations = 3,
          .eta = Eta::kTaken,
          .usual_eta = 1,
          .uses_noise_seed_delta = true};
}

}  // namespace sd::sampling
