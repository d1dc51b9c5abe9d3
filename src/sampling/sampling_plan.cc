#include "sampling/sampling_plan.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sampling/continuous_schedule.h"
#include "sampling/few_step_levels.h"
#include "sampling/picture_steps.h"
#include "sampling/samplers/samplers.h"
#include "sd/error.h"

namespace sd::sampling {
namespace {

void check_steps(const Sampler& sampler, int64_t timesteps, int64_t steps) {
  const StepLimits& limits = sampler.limits;
  const int64_t most = limits.most > 0 ? limits.most : timesteps;
  if (steps >= limits.least && steps <= most) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("`steps` must be from {} to {} with the sampler {}, found {}",
                          limits.least, most, sampler.name, steps),
              fmt::format("{} is the usual number", limits.usual));
}

/// The last `steps` of them.
Levels end_of(const Levels& levels, int64_t steps) {
  return {levels.end() - std::min(steps + 1, std::ssize(levels)), levels.end()};
}

float as_half(float number) { return static_cast<float>(static_cast<c10::Half>(number)); }

/// alphas_cumprod rounded to half precision.
NoiseSchedule in_half(const NoiseSchedule& schedule) {
  std::vector<float> alphas = schedule.alphas_cumprod();
  for (float& alpha : alphas) alpha = as_half(alpha);
  return NoiseSchedule(std::move(alphas));
}

bool discards(const Sampler& sampler, const SamplerKnobs& knobs) {
  return sampler.discards_next_to_last || knobs.discard_next_to_last;
}

/// Makes the plan of one run.
class Planner {
 public:
  Planner(const NoiseSchedule& schedule, const SamplingSettings& settings)
      : schedule_(settings.knobs.downcast_alphas ? in_half(schedule) : schedule),
        settings_(settings),
        knobs_(settings.knobs),
        plan_{.sampler = find_sampler(settings.sampler),
              .model = std::make_shared<const ModelSigmas>(
                  schedule_, SigmaRules{.quantize = settings.knobs.quantize,
                                        .downcast = settings.knobs.downcast_alphas,
                                        .consistency = find_sampler(settings.sampler).consistency}),
              .levels = {},
              .start = {.alpha = 0, .sigma = 1}} {}

  SamplingPlan make() {
    check_steps(plan_.sampler, schedule_.timesteps(), settings_.steps);
    lay();
    if (plan_.sampler.told_steps != nullptr) plan_.total = plan_.sampler.told_steps(plan_);
    if (plan_.total == 0) plan_.total = plan_.steps();
    if (plan_.evaluations == 0) plan_.evaluations = plan_.total * plan_.sampler.evaluations;
    return std::move(plan_);
  }

 private:
  void lay() {
    switch (plan_.sampler.grid) {
      case Grid::kDdim:
        return lay_ddim();
      case Grid::kTime:
        return lay_times(1, settings_.steps, UniPcSkip::kTimeUniform);
      case Grid::kWebUi:
        return lay_timesteps();
      case Grid::kUniPc:
        return lay_unipc();
      case Grid::kSigmas:
        return lay_sigmas();
      case Grid::kEnds:
        return lay_ends();
      case Grid::kDistilled:
        return lay_distilled();
      case Grid::kTrailing:
        return lay_trailing();
    }
  }

  void lay_ddim() {
    plan_.levels = ddim_levels(schedule_, settings_.steps, knobs_.eta.value_or(0));
    if (!settings_.strength) return;
    const int64_t steps = share_of(*settings_.strength, settings_.steps);
    // The reference puts in the noise of one timestep above the first that it takes, and fails
    // where there is none.
    const int64_t above = std::max<int64_t>(std::ssize(plan_.levels) - 2 - steps, 0);
    plan_.start = plan_.levels[static_cast<size_t>(above)];
    plan_.levels = end_of(plan_.levels, steps);
  }

  /// The web UI's timesteps, ascending.
  Levels timesteps(int64_t steps) const {
    steps += discards(plan_.sampler, knobs_) ? 1 : 0;
    const int64_t total = schedule_.timesteps();
    if (steps < 1 || steps > total) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("the sampler {} cannot spread {} steps over {} timesteps",
                              plan_.sampler.name, steps, total),
                  "take fewer steps, or a higher strength");
    }
    Levels levels;
    for (int64_t t = 0; t < total; t += total / steps) {
      levels.push_back(timestep_level(std::min(t + 1, total - 1)));
    }
    return levels;
  }

  Level timestep_level(int64_t t) const {
    const float a = schedule_.alphas_cumprod()[static_cast<size_t>(t)];
    const float sigma = std::sqrt(1.0F - a);
    return {static_cast<double>(t), std::sqrt(a), knobs_.downcast_alphas ? as_half(sigma) : sigma};
  }

  /// The timesteps of the run, ascending; sets what it starts from.
  Levels taken_timesteps() {
    if (!settings_.strength) return timesteps(settings_.steps);
    const PictureSteps steps =
        picture_steps(*settings_.strength, settings_.steps, knobs_.fix_steps);
    Levels all = timesteps(steps.laid);
    const Level& start = all[static_cast<size_t>(std::min(steps.taken, std::ssize(all) - 1))];
    plan_.start = with_noise_knobs(start);
    if (steps.taken < std::ssize(all)) all.resize(static_cast<size_t>(steps.taken));
    return all;
  }

  void lay_timesteps() {
    plan_.levels = taken_timesteps();
    std::reverse(plan_.levels.begin(), plan_.levels.end());
  }

  void lay_unipc() {
    const Levels taken = taken_timesteps();
    const int64_t steps = std::ssize(taken);
    if (steps < knobs_.unipc_order) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("the sampler unipc of order {} needs as many steps, found {}",
                              knobs_.unipc_order, steps),
                  "take more steps, or a lower order");
    }
    float from = 1;
    if (settings_.strength) {
      const auto total = static_cast<float>(schedule_.timesteps());
      from = static_cast<float>(taken.back().t) / total + static_cast<float>(1.0 / total);
    }
    lay_times(from, steps, knobs_.unipc_skip);
  }

  void lay_times(float from, int64_t steps, UniPcSkip skip) {
    plan_.times = times_to_end(schedule_, from, steps, skip);
    plan_.levels = levels_at(schedule_, plan_.times);
  }

  at::Tensor given_sigmas() const {
    for (const double sigma : knobs_.sigmas) {
      if (std::isfinite(sigma) && sigma >= 0) continue;
      throw Error(ErrorKind::kUsage,
                  fmt::format("`sigmas` must be finite numbers from 0 on, found {:g}", sigma),
                  "list them from the largest to the smallest, 0 last");
    }
    return at::tensor(knobs_.sigmas, at::kDouble).to(at::kFloat);
  }

  /// The sigmas of a schedule of so many steps, as the web UI's get_sigmas.
  at::Tensor sigmas(int64_t steps) const {
    if (!knobs_.sigmas.empty()) return given_sigmas();
    if (steps == 0) return at::zeros({1}, at::kFloat);
    const Schedule* schedule = find_schedule(settings_.schedule);
    if (schedule == nullptr) schedule = find_schedule(plan_.sampler.schedule);
    const bool discard = discards(plan_.sampler, knobs_);
    const bool old = knobs_.old_karras_sigmas;
    const auto chosen = [](double knob, double usual) { return knob != 0 ? knob : usual; };
    ScheduleArgs args{.model = *plan_.model,
                      .steps = steps + (discard ? 1 : 0),
                      .sigma_min = chosen(knobs_.sigma_min, old ? 0.1 : plan_.model->least()),
                      .sigma_max = chosen(knobs_.sigma_max, old ? 10 : plan_.model->most()),
                      .beta_alpha = knobs_.beta_alpha,
                      .beta_beta = knobs_.beta_beta};
    if (knobs_.rho != 0) args.rho = knobs_.rho;
    const at::Tensor all = schedule->sigmas(args).to(at::kFloat);
    if (!discard) return all;
    return at::cat({all.slice(0, 0, std::max<int64_t>(all.size(0) - 2, 0)), all.slice(0, -1)});
  }

  void lay_sigmas() {
    const PictureSteps steps =
        settings_.strength ? picture_steps(*settings_.strength, settings_.steps, knobs_.fix_steps)
                           : PictureSteps{settings_.steps, 0};
    const at::Tensor all = sigmas(steps.laid);
    find_ends(all);
    const int64_t first =
        settings_.strength ? std::max<int64_t>(steps.laid - steps.taken - 1, 0) : 0;
    for (int64_t i = std::min(first, all.size(0) - 1); i < all.size(0); ++i) {
      plan_.levels.push_back(plan_.model->level(all[i]));
    }
    const double sigma = plan_.levels.front().sigma;
    if (settings_.strength) {
      plan_.start = with_noise_knobs(plan_.levels.front());
    } else {
      plan_.start.sigma = knobs_.sgm_noise ? std::sqrt(1 + sigma * sigma) : sigma;
    }
  }

  void lay_ends() {
    lay_sigmas();
    const auto level = [&](double sigma) {
      return plan_.model->level(at::scalar_tensor(sigma, at::kFloat));
    };
    plan_.count = plan_.steps();
    double most = plan_.levels.front().sigma, least = 0;
    if (plan_.count > 0) least = plan_.levels[plan_.levels.size() - 2].sigma;
    if (!settings_.strength) {
      plan_.count = settings_.steps;
      most = plan_.model->most();
      least = plan_.model->least();
    }
    if (plan_.count > 0) plan_.levels = {level(most), level(least)};
    plan_.total = plan_.count;
    plan_.evaluations = plan_.count;
  }

  std::optional<PictureShare> picture_share() const {
    if (!settings_.strength) return std::nullopt;
    return PictureShare{*settings_.strength, knobs_.fix_steps};
  }

  void lay_distilled() {
    const double eta = knobs_.eta.value_or(0);
    if (!(eta >= 0 && eta <= 1)) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("`eta` must be from 0 to 1 with the sampler {}, found {:g}",
                              plan_.sampler.name, eta),
                  fmt::format("{:g} is the usual one", plan_.sampler.usual_eta));
    }
    plan_.levels =
        distilled_levels(schedule_, settings_.steps, knobs_.original_steps, picture_share());
    start_from_picture();
  }

  void lay_trailing() {
    TrailingLevels laid =
        trailing_levels(schedule_, settings_.steps, knobs_.set_alpha_to_one, picture_share());
    plan_.levels = std::move(laid.levels);
    plan_.times = std::move(laid.targets);
    start_from_picture();
  }

  /// With a picture: from the noise of the first timestep; where no step is left, from none.
  void start_from_picture() {
    if (!settings_.strength) return;
    plan_.start = plan_.steps() > 0 ? with_noise_knobs(plan_.levels.front()) : Level{0, 1, 0};
  }

  void find_ends(const at::Tensor& all) {
    const at::Tensor above = all.masked_select(all > 0);
    if (above.numel() == 0) return;
    plan_.lowest = above.min().item<double>();
    plan_.highest = all.max().item<double>();
  }

  /// What a run starts from that puts the noise of `level` into a picture.
  Level with_noise_knobs(const Level& level) const {
    return {level.t, level.alpha,
            knobs_.initial_noise * (level.sigma + knobs_.extra_noise * level.alpha)};
  }

  const NoiseSchedule schedule_;
  const SamplingSettings& settings_;
  const SamplerKnobs& knobs_;
  SamplingPlan plan_;
};

}  // namespace

SamplingPlan plan_sampling(const NoiseSchedule& schedule, const SamplingSettings& settings) {
  return Planner(schedule, settings).make();
}

at::Tensor run_sampler(const SamplingPlan& plan, const SamplerKnobs& knobs, const at::Tensor& x,
                       const kernels::MixKernel& mix, NoiseStream* noise, Denoiser* denoiser,
                       const StepFn& on_step, const BeginFn& begin) {
  if (plan.steps() == 0) return x;
  if (plan.sampler.consistency) denoiser->edit_first(edit_as_consistency_model);
  return plan.sampler.sample({.denoise = *denoiser,
                              .x = x,
                              .levels = plan.levels,
                              .times = plan.times,
                              .count = plan.count,
                              .total = plan.total,
                              .model = *plan.model,
                              .noise = *noise,
                              .mix = mix,
                              .knobs = knobs,
                              .on_step = on_step,
                              .begin = begin});
}

}  // namespace sd::sampling
