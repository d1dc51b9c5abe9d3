#include <algorithm>
#include <array>

#include "sampling/samplers/samplers.h"

namespace sd {
namespace {

/// Guided predictions of the last steps, newest first; undefined where there was none.
using OlderEps = std::array<at::Tensor, kOlderEps>;

/// The step with the mean of two predictions of one latent: pseudo improved Euler.
StepCoefficients mean_of_two(StepCoefficients step) {
  step.now = step.older[0] = 1;
  step.divisor = 2;
  return step;
}

/// The step with Adams and Bashforth's mix of the newest and up to three older predictions.
StepCoefficients multistep(StepCoefficients step, const OlderEps& older) {
  struct Mix {
    float now, older[kOlderEps], divisor;
  };
  constexpr Mix kMixes[] = {{3, {-1, 0, 0}, 2}, {23, {-16, 5, 0}, 12}, {55, {-59, 37, -9}, 24}};
  const auto known = std::count_if(older.begin(), older.end(),
                                   [](const at::Tensor& eps) { return eps.defined(); });
  const Mix& mix = kMixes[known - 1];
  step.now = mix.now;
  std::copy(std::begin(mix.older), std::end(mix.older), std::begin(step.older));
  step.divisor = mix.divisor;
  return step;
}

}  // namespace

at::Tensor sample_plms(const SampleArgs& args) {
  const DdimSchedule schedule = make_ddim_schedule(args.schedule, args.steps, /*eta=*/0);
  const int64_t total = args.start < 0 ? schedule.size() : std::min(args.start, schedule.size());
  const auto eps_of = [&](const at::Tensor& x, int64_t index) {
    return args.model.eps(x, static_cast<double>(schedule.timesteps[static_cast<size_t>(index)]));
  };
  at::Tensor x = args.x;
  OlderEps older;
  for (int64_t index = total - 1; index >= 0; --index) {
    const StepCoefficients step = ddim_step(schedule, index);
    const auto take = [&](const StepCoefficients& how, const at::Tensor& eps,
                          const OlderEps& with) {
      return (*args.model.step)(
          how, {.eps = eps, .x = x, .older = with, .noise = step_noise(args, step.next_noise)});
    };
    const at::Tensor answer = eps_of(x, index);
    SamplerStepResult taken;
    at::Tensor eps;
    if (!older[0].defined()) {
      const SamplerStepResult trial = take(step, answer, {});  // a look at the next point
      eps = trial.eps;
      taken = take(mean_of_two(step), eps_of(trial.next, std::max<int64_t>(index - 1, 0)), {eps});
    } else {
      taken = take(multistep(step, older), answer, older);
      eps = taken.eps;
    }
    x = taken.next;
    std::shift_right(older.begin(), older.end(), 1);
    older[0] = eps;
    if (args.on_step) args.on_step({total - index, total, x, taken.x0});
  }
  return x;
}

}  // namespace sd
