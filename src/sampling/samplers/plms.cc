#include <algorithm>
#include <vector>

#include "sampling/samplers/samplers.h"

namespace sd::sampling {
namespace {

/// Guided predictions of up to three steps before, newest first.
using OlderEps = std::vector<at::Tensor>;

/// Adams and Bashforth's mix of the newest prediction and one to three older ones.
at::Tensor multistep(const SampleArgs& args, const at::Tensor& eps, const OlderEps& older) {
  switch (older.size()) {
    case 1:
      return args.mix({{3, eps}, {-1, older[0]}}, 2);
    case 2:
      return args.mix({{23, eps}, {-16, older[0]}, {5, older[1]}}, 12);
    default:
      return args.mix({{55, eps}, {-59, older[0]}, {37, older[1]}, {-9, older[2]}}, 24);
  }
}

/// The prediction of x at a level that an eps stands for.
Prediction with_eps(const SampleArgs& args, const at::Tensor& x, const Level& level,
                    const at::Tensor& eps) {
  return {args.mix({{1, x}, {-level.sigma, eps}}, level.alpha), eps, eps};
}

/// `draws`: one before each sum. `next`: which level the look ahead is at.
template <class Next>
at::Tensor sample(const SampleArgs& args, bool draws, const Next& next) {
  at::Tensor x = args.x;
  OlderEps older;
  for (int64_t i = 0; i < args.steps(); ++i) {
    const Level& from = args.levels[static_cast<size_t>(i)];
    const Level& to = args.levels[static_cast<size_t>(i) + 1];
    x = args.begun(x, i);
    Prediction predicted = args.denoise(x, from);
    at::Tensor eps = predicted.eps;
    if (older.empty()) {  // pseudo improved Euler: the mean with a look at the next timestep
      if (draws) args.noise.next(0);
      const at::Tensor ahead = args.denoise(at_level(args, predicted, to), next(i)).eps;
      predicted = with_eps(args, x, from, args.mix({{1, ahead}, {1, eps}}, 2));
    } else {
      predicted = with_eps(args, x, from, multistep(args, eps, older));
    }
    if (draws) args.noise.next(0);
    x = at_level(args, predicted, to);
    older.insert(older.begin(), std::move(eps));
    if (older.size() > 3) older.pop_back();
    args.report(i + 1, x, predicted.x0);
  }
  return x;
}

int64_t draw_a_step_and_one(const SamplingPlan& plan) {
  return plan.total > 0 ? plan.total + 1 : 0;
}

}  // namespace

/// PLMS (Liu et al. 2022, arXiv:2202.09778), as ldm.models.diffusion.plms does it: one evaluation
/// and one draw a step, two in the first.
static at::Tensor sample_plms(const SampleArgs& args) {
  return sample(args, /*draws=*/true, [&](int64_t i) {  // the last level is no timestep
    return args.levels[static_cast<size_t>(std::min(i + 1, args.steps() - 1))];
  });
}

/// PLMS as the web UI does it: the look ahead is always at the next level. No draws.
static at::Tensor sample_webui_plms(const SampleArgs& args) {
  return sample(args, /*draws=*/false,
                [&](int64_t i) { return args.levels[static_cast<size_t>(i) + 1]; });
}

Sampler plms_sampler() {
  return {.name = "plms",
          .label = "PLMS",
          .old_names = "",
          .sample = sample_plms,
          .grid = Grid::kDdim,
          .noise = NoiseUse::kDraws,
          .draws = draw_a_step_and_one,
          .eta = Eta::kRefused,
          .limits = kTimesteps,
          .reference = true};
}

Sampler webui_plms_sampler() {
  return {.name = "webui_plms",
          .label = "PLMS",
          .old_names = "",
          .sample = sample_webui_plms,
          .grid = Grid::kWebUi,
          .draws = no_draws,
          .limits = kTimesteps};
}

}  // namespace sd::sampling
