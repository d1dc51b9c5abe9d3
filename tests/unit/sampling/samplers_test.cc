// The samplers over models whose answer is known in closed form, their calls and their draws.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "kernels/table.h"
#include "sampling/sampling_plan.h"
#include "support/denoisers.h"
#include "support/expect_error.h"
#include "support/webui.h"

namespace sd::test {
using namespace kernels;
using namespace runtime;
using namespace sampling;

namespace {

const NoiseSchedule& v1_schedule() {
  static const NoiseSchedule schedule = NoiseSchedule::linear(0.00085, 0.012, 1000);
  return schedule;
}

/// alphas_cumprod at a time that need not be whole: its logarithm is linear between.
double alpha_at(double t) {
  const auto& alphas = v1_schedule().alphas_cumprod();
  const auto below = static_cast<size_t>(std::clamp(std::floor(t), 0.0, 998.0));
  const double lower = std::log(static_cast<double>(alphas[below]));
  const double upper = std::log(static_cast<double>(alphas[below + 1]));
  return std::exp(lower + (t - static_cast<double>(below)) * (upper - lower));
}

at::Tensor numbers(at::IntArrayRef shape, uint64_t seed) { return PhiloxNoise(seed).normal(shape); }

/// A stream that remembers the shapes that were drawn.
class RecordingNoise final : public NoiseSource {
 public:
  explicit RecordingNoise(uint64_t seed) : stream_(seed) {}
  at::Tensor normal(at::IntArrayRef shape) override {
    draws.push_back(stream_.normal(shape));
    return draws.back();
  }
  uint64_t position() const override { return stream_.position(); }
  void seek(uint64_t position) override { stream_.seek(position); }
  std::vector<at::Tensor> draws;

 private:
  PhiloxNoise stream_;
};

/// Data that is normal with mean `mu` and deviation `s` (0: one point), and its exact noise
/// prediction. Along the probability flow x - sqrt(a)·mu grows as sqrt(a·s² + 1 - a).
struct GaussianData {
  at::Tensor mu;
  double s = 0;

  double spread(double a) const { return std::sqrt(a * s * s + 1 - a); }
  at::Tensor eps(const at::Tensor& x, double t) const {
    const double a = alpha_at(t);
    return (x - std::sqrt(a) * mu) * (std::sqrt(1 - a) / (spread(a) * spread(a)));
  }
  /// Where the flow takes x from one share of the picture's variance to another.
  at::Tensor end_of_flow(const at::Tensor& x, double from, double to) const {
    return std::sqrt(to) * mu + (x - std::sqrt(from) * mu) * (spread(to) / spread(from));
  }
};

/// One run of a sampler, and what it did.
struct Trajectory {
  at::Tensor x;
  std::vector<double> times;
  std::vector<int64_t> steps;
  std::vector<at::Tensor> draws;
  Level first, last;
};

struct Setting {
  int64_t steps = 20;
  double eta = 0;
  int64_t start = -1;  ///< take the lowest so many steps; -1: all
  int64_t noise_rows = 2;
};

SamplerKnobs with_eta(double eta) {
  SamplerKnobs knobs;
  knobs.eta = eta;
  return knobs;
}

SamplingPlan plan_of(const Sampler& sampler, const Setting& setting) {
  SamplingPlan plan = plan_sampling(
      v1_schedule(),
      {.sampler = sampler.name, .steps = setting.steps, .knobs = with_eta(setting.eta)});
  if (setting.start >= 0 && setting.start < plan.steps()) {
    plan.levels.erase(plan.levels.begin(), plan.levels.end() - (setting.start + 1));
    plan.total = plan.steps();
  }
  return plan;
}

/// x0 and eps as the levels of a sampler count them, in x = sqrt(a)·x0 + sqrt(1 - a)·eps.
double size_of(const Level& level) { return std::hypot(level.alpha, level.sigma); }
double alpha_of(const Level& level) { return std::pow(level.alpha / size_of(level), 2); }

/// A Brownian path for each row of x.
std::vector<BrownianTree> paths_of(const SamplingPlan& plan, const at::Tensor& x) {
  if (plan.sampler.noise != NoiseUse::kBrownian) return {};
  const std::vector<int64_t> shape(x.sizes().begin() + 1, x.sizes().end());
  std::vector<BrownianTree> paths;
  for (int64_t i = 0; i < x.size(0); ++i) {
    paths.emplace_back(RngKind::kCuda, 5 + i, shape, static_cast<float>(plan.lowest),
                       static_cast<float>(plan.highest));
  }
  return paths;
}

/// The sampler's own function, without what `run_sampler` makes of predictions.
at::Tensor sample(const SamplingPlan& plan, Denoiser* denoiser, const at::Tensor& x,
                  NoiseStream* noise, const SamplerKnobs& knobs, const StepFn& on_step) {
  const auto mix = choose_kernel(mix_entries(), MixSpec{}, {});
  return plan.sampler.sample({.denoise = *denoiser,
                              .x = x,
                              .levels = plan.levels,
                              .times = plan.times,
                              .count = plan.count,
                              .total = plan.total,
                              .model = *plan.model,
                              .noise = *noise,
                              .mix = *mix,
                              .knobs = knobs,
                              .on_step = on_step});
}

/// From x with alpha² + sigma² = 1 to the end of the levels, where alpha² + sigma² is 1 again.
Trajectory run(const Sampler& sampler, const EpsModel& model, const at::Tensor& x,
               const Setting& setting) {
  Trajectory result;
  RecordingNoise noise(11);
  const EpsModel recorded = [&](const at::Tensor& input, double t) {
    result.times.push_back(t);
    return model(input, t);
  };
  int64_t total = 0;
  Denoiser denoiser = unguided(recorded);
  const SamplingPlan plan = plan_of(sampler, setting);
  std::vector<int64_t> drawn = x.sizes().vec();
  drawn[0] = setting.noise_rows;
  DrawnNoise stream(noise, drawn, x.size(0), at::kCPU, paths_of(plan, x));
  const at::Tensor end = sample(plan, &denoiser, x * size_of(plan.levels.front()), &stream,
                                with_eta(setting.eta), [&](const StepState& state) {
                                  EXPECT_EQ(state.x.sizes(), x.sizes());
                                  EXPECT_EQ(state.pred_x0.sizes(), x.sizes());
                                  result.steps.push_back(state.step);
                                  total = state.total;
                                });
  result.x = plan.steps() > 0 ? end / size_of(plan.levels.back()) : end;
  result.first = plan.levels.front();
  // (The last step of consistency sampling leaves no noise.)
  const bool ends_clean = sampler.name == std::string("diffusers_lcm");
  result.last = ends_clean ? Level{0, 1, 0} : plan.levels.back();
  if (sampler.draws(plan) >= 0) {  // else its steps are not known before
    EXPECT_EQ(total, static_cast<int64_t>(result.steps.size()));
  }
  result.draws = std::move(noise.draws);
  return result;
}

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

const std::vector<int64_t> kShape = {2, 4, 3, 5};

GaussianData data_with(double s) { return {numbers(kShape, 1), s}; }

EpsModel model_of(const GaussianData& data) {
  return [data](const at::Tensor& x, double t) { return data.eps(x, t); };
}

/// How far a run ended from where the flow takes x.
double error_of(const Trajectory& r, const GaussianData& data, const at::Tensor& x) {
  return largest(r.x - data.end_of_flow(x, alpha_of(r.first), alpha_of(r.last)));
}

/// Samplers for few steps have no more than a model of them knows.
bool takes(const Sampler& sampler, int64_t steps) {
  return sampler.grid != Grid::kDistilled || steps <= SamplerKnobs().original_steps;
}

TEST(Samplers, FindASinglePointExactlyWithAnyNumberOfSteps) {
  const GaussianData data = data_with(0);
  const at::Tensor x = numbers(kShape, 2);
  for (const Sampler& sampler : samplers()) {
    for (const int64_t steps : {3, 6, 14, 15, 50, 500}) {
      if (!takes(sampler, steps)) continue;
      SCOPED_TRACE(std::string(sampler.name) + " " + std::to_string(steps));
      EXPECT_LT(error_of(run(sampler, model_of(data), x, {.steps = steps}), data, x), 3e-3);
    }
  }
}

double error_of(const char* sampler, int64_t steps) {
  const GaussianData data = data_with(0.5);
  const at::Tensor x = numbers(kShape, 3);
  return error_of(run(find_sampler(sampler), model_of(data), x, {.steps = steps}), data, x);
}

TEST(Samplers, FollowTheFlowWithoutNoise) {
  for (const Sampler& sampler : samplers()) {
    const std::string name = sampler.name;
    // These add noise whatever eta is.
    if (name == "lcm" || name == "diffusers_lcm" || name == "restart") continue;
    const bool many = takes(sampler, 100);
    EXPECT_LT(error_of(sampler.name, many ? 100 : 50), many ? 0.06 : 0.12) << name;
  }
}

TEST(Samplers, ConvergeToTheFlowWithTheirOrder) {
  EXPECT_LT(error_of("ddim", 250), 0.02);
  const double halved = error_of("ddim", 250) / error_of("ddim", 125);
  EXPECT_GT(halved, 0.4);
  EXPECT_LT(halved, 0.6);
  EXPECT_LT(error_of("euler", 250), 0.02);
  EXPECT_LT(error_of("plms", 50), 0.2 * error_of("ddim", 50));
  // Uniform in time, it takes giant steps of signal-to-noise at the end: its order shows late.
  EXPECT_LT(error_of("dpm_solver", 320), 0.35 * error_of("dpm_solver", 160));
}

TEST(Samplers, CallTheModelAndDrawAsTheReferenceDoes) {
  const at::Tensor x = numbers(kShape, 4);
  const EpsModel model = model_of(data_with(1));
  for (const int64_t asked : {2, 6, 30, 50, 999}) {
    for (const double eta : {0.0, 1.0}) {
      SCOPED_TRACE(asked);
      const auto steps = static_cast<size_t>(ddim_step_count(1000, asked).actual);
      const Trajectory ddim = run(find_sampler("ddim"), model, x, {.steps = asked, .eta = eta});
      EXPECT_EQ(ddim.times.size(), steps);
      EXPECT_EQ(ddim.draws.size(), steps);
    }
    const auto steps = static_cast<size_t>(ddim_step_count(1000, asked).actual);
    const Trajectory plms = run(find_sampler("plms"), model, x, {.steps = asked});
    EXPECT_EQ(plms.times.size(), steps + 1);
    EXPECT_EQ(plms.draws.size(), steps + 1);
    EXPECT_EQ(plms.times[1], plms.times[2]);  // the look ahead, and the second step
    const Trajectory dpm = run(find_sampler("dpm_solver"), model, x, {.steps = asked});
    EXPECT_EQ(dpm.times.size(), static_cast<size_t>(asked));
    EXPECT_TRUE(dpm.draws.empty());
  }
}

TEST(Samplers, ReportEveryStepInOrderAndTakeTheStepsTheySay) {
  const at::Tensor x = numbers(kShape, 4);
  for (const Sampler& sampler : samplers()) {
    SCOPED_TRACE(sampler.name);
    const Trajectory r = run(sampler, model_of(data_with(1)), x, {.steps = 30});
    const SamplingPlan plan = plan_of(sampler, {.steps = 30});
    if (sampler.draws(plan) >= 0) {
      ASSERT_EQ(static_cast<int64_t>(r.steps.size()), plan.total);
      EXPECT_EQ(static_cast<int64_t>(r.draws.size()), sampler.draws(plan));
    }
    for (size_t i = 0; i < r.steps.size(); ++i) EXPECT_EQ(r.steps[i], static_cast<int64_t>(i) + 1);
    for (const at::Tensor& draw : r.draws) EXPECT_EQ(draw.sizes(), x.sizes());
  }
}

TEST(Samplers, HandThePictureThatTheyPredictToTheCaller) {
  const GaussianData data = data_with(0);  // every picture is this one
  const at::Tensor x = numbers(kShape, 4);
  for (const Sampler& sampler : samplers()) {
    SCOPED_TRACE(sampler.name);
    const SamplingPlan plan = plan_of(sampler, {.steps = 12});
    RecordingNoise noise(11);
    DrawnNoise stream(noise, kShape, 2, at::kCPU, paths_of(plan, x));
    Denoiser denoiser = unguided(model_of(data));
    int64_t told = 0;
    sample(plan, &denoiser, x * size_of(plan.levels.front()), &stream, {},
           [&](const StepState& state) {
             EXPECT_EQ(state.step, ++told);
             EXPECT_EQ(state.x.sizes(), x.sizes());
             // (At the start the picture is a small difference of large numbers.)
             EXPECT_LT(largest(state.pred_x0 - data.mu), 0.2);
           });
    EXPECT_GT(told, 0);
  }
}

TEST(Samplers, RunOneStepWhereTheReferenceDoes) {
  const at::Tensor x = numbers(kShape, 4);
  const EpsModel model = model_of(data_with(1));
  EXPECT_EQ(run(find_sampler("ddim"), model, x, {.steps = 1}).times, std::vector<double>({1}));
  EXPECT_EQ(run(find_sampler("plms"), model, x, {.steps = 1}).times, std::vector<double>({1, 1}));
  expect_error(ErrorKind::kUsage, "from 2 to 10000 with the sampler dpm_solver, found 1",
               [] { plan_of(find_sampler("dpm_solver"), {.steps = 1}); });
}

TEST(Samplers, DpmSolverIsUniformInTime) {
  const Trajectory r =
      run(find_sampler("dpm_solver"), model_of(data_with(1)), numbers(kShape, 4), {.steps = 9});
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(r.times[i], 999.0 - 111.0 * static_cast<double>(i), 1e-3);
  }
}

TEST(Samplers, AShortBatchDrawsAsAFullOne) {
  const at::Tensor x = numbers({3, 4, 2, 2}, 5);
  // A model of each value alone, so that the first rows do not know of the others.
  const EpsModel model = [](const at::Tensor& input, double) { return input * 0.5; };
  const Trajectory full = run(find_sampler("ddim"), model, x, {.eta = 1, .noise_rows = 3});
  const Trajectory cut =
      run(find_sampler("ddim"), model, x.narrow(0, 0, 2), {.eta = 1, .noise_rows = 3});
  EXPECT_TRUE(at::equal(cut.x, full.x.narrow(0, 0, 2)));
  ASSERT_EQ(cut.draws.size(), full.draws.size());
  EXPECT_TRUE(at::equal(cut.draws.back(), full.draws.back()));
}

TEST(Samplers, DdimAddsItsNoiseAsThePaperSays) {
  const GaussianData data = data_with(0.7);
  const at::Tensor x = numbers(kShape, 6);
  const Trajectory r = run(find_sampler("ddim"), model_of(data), x, {.steps = 5, .eta = 0.6});
  at::Tensor expected = x.to(at::kDouble);  // equation 12 of arXiv:2010.02502, in double
  for (size_t i = 0; i < 5; ++i) {
    const double a = alpha_at(r.times[i]);
    const double previous = i < 4 ? alpha_at(r.times[i + 1]) : alpha_at(0);
    const double sigma = 0.6 * std::sqrt((1 - previous) / (1 - a) * (1 - a / previous));
    const at::Tensor eps = data.eps(expected, r.times[i]);
    expected = std::sqrt(previous) * (expected - std::sqrt(1 - a) * eps) / std::sqrt(a) +
               std::sqrt(1 - previous - sigma * sigma) * eps + sigma * r.draws[i];
  }
  EXPECT_LT(largest(r.x - expected), 2e-5);
}

TEST(Samplers, DdimStartsLowerDownWhereAsked) {
  const Trajectory r = run(find_sampler("ddim"), model_of(data_with(1)), numbers(kShape, 6),
                           {.steps = 50, .start = 3});
  EXPECT_EQ(r.times, std::vector<double>({41, 21, 1}));
  const at::Tensor x = numbers(kShape, 6);
  const Trajectory none = run(find_sampler("ddim"), model_of(data_with(1)), x, {.start = 0});
  EXPECT_TRUE(none.times.empty());
  EXPECT_TRUE(at::equal(none.x, x));
}

TEST(Samplers, PlmsStartsLowerDownWhereAsked) {
  const Sampler& plms = find_sampler("plms");
  const at::Tensor x = numbers(kShape, 6);
  const Trajectory r =
      run(plms, model_of(data_with(1)), x, {.steps = 50, .start = 3, .noise_rows = 4});
  EXPECT_EQ(r.times, std::vector<double>({41, 21, 21, 1}));  // the first step looks ahead
  EXPECT_EQ(r.steps, std::vector<int64_t>({1, 2, 3}));
  ASSERT_EQ(r.draws.size(), 4U);
  for (const at::Tensor& draw : r.draws) EXPECT_EQ(draw.size(0), 4);
  EXPECT_EQ(run(plms, model_of(data_with(1)), x, {.steps = 50, .start = 1}).times,
            std::vector<double>({1, 1}));
  const Trajectory none = run(plms, model_of(data_with(1)), x, {.start = 0});
  EXPECT_TRUE(none.times.empty());
  EXPECT_TRUE(none.draws.empty());
  EXPECT_TRUE(at::equal(none.x, x));
}

TEST(Samplers, TakeAllStepsWhereTheStartIsTheirHighest) {
  const at::Tensor x = numbers(kShape, 6);
  for (const Sampler& sampler : samplers()) {
    if (!sampler.starts_from_picture) continue;
    const Trajectory all = run(sampler, model_of(data_with(1)), x, {.steps = 10});
    for (const int64_t start : {10, 11, 1000}) {
      const Trajectory r = run(sampler, model_of(data_with(1)), x, {.steps = 10, .start = start});
      EXPECT_EQ(r.times, all.times) << sampler.name;
      EXPECT_TRUE(at::equal(r.x, all.x)) << sampler.name;
    }
  }
}

TEST(Samplers, FindTheWayFromAnyStart) {
  const GaussianData data = data_with(0.5);
  const at::Tensor x = numbers(kShape, 3);
  for (const auto& [name, bound] : {std::pair{"ddim", 0.04}, std::pair{"plms", 0.02}}) {
    for (const int64_t start : {40, 125, 250}) {
      const Trajectory r =
          run(find_sampler(name), model_of(data), x, {.steps = 250, .start = start});
      EXPECT_LT(largest(r.x - data.end_of_flow(x, alpha_of(r.first), alpha_of(r.last))), bound)
          << name << start;
    }
  }
}

TEST(Samplers, StopWhereTheCallerThrows) {
  struct Stop {};
  for (const Sampler& sampler : samplers()) {
    int64_t last = 0;
    RecordingNoise noise(1);
    Denoiser model = unguided(model_of(data_with(1)));
    const SamplingPlan plan = plan_of(sampler, {.steps = 10});
    const at::Tensor x = numbers(kShape, 6);
    DrawnNoise stream(noise, kShape, 2, at::kCPU, paths_of(plan, x));
    const auto stopped = [&] {
      sample(plan, &model, x, &stream, {}, [&](const StepState& state) {
        last = state.step;
        if (state.step == 3) throw Stop();
      });
    };
    EXPECT_THROW(stopped(), Stop) << sampler.name;
    EXPECT_EQ(last, 3) << sampler.name;
  }
}

TEST(Samplers, AreFoundByNameLabelAndOldNameInAnyCase) {
  for (const Sampler& sampler : samplers()) EXPECT_EQ(&find_sampler(sampler.name), &sampler);
  EXPECT_EQ(choose_sampler("DDIM").sampler.name, std::string("ddim"));
  EXPECT_EQ(choose_sampler("Dpm-Solver").sampler.name, std::string("dpm_solver"));
  EXPECT_EQ(choose_sampler("EULER").sampler.name, std::string("euler"));
  EXPECT_EQ(choose_sampler("k_euler").sampler.name, std::string("euler"));
  const SamplerChoice choice = choose_sampler("euler karras");
  EXPECT_EQ(choice.sampler.name, std::string("euler"));
  ASSERT_NE(choice.schedule, nullptr);
  EXPECT_EQ(choice.schedule->name, std::string("karras"));
  EXPECT_EQ(choose_sampler("dpm++ 2m sde HEUN sgmuniform").schedule, find_schedule("sgm_uniform"));
  EXPECT_EQ(choose_sampler("Euler a Automatic").sampler.name, std::string("euler_a"));
  EXPECT_EQ(choose_sampler("Euler a Automatic").schedule, nullptr);
}

TEST(Samplers, AreFoundByTheNamesOfTheWebUisTexts) {
  int known = 0;
  for (const auto& row : webui_json("infotext/sampler_names.json")) {
    const std::string name = row.at(0).is_null() ? "" : row.at(0);
    const std::string sampler = row.at(4), schedule = row.at(5);
    // (The web UI takes DPM++ 2M for every name that it does not know; DDIM and PLMS are the
    // reference's here.)
    if (!name.starts_with(sampler) || sampler == "DDIM" || sampler == "PLMS") continue;
    if (name.ends_with("SGM Uniform")) continue;  // it takes "Uniform" off and knows no "… SGM"
    SCOPED_TRACE(name);
    const SamplerChoice choice = choose_sampler(name);
    EXPECT_EQ(choice.sampler.label, sampler);
    if (name != sampler) {
      EXPECT_EQ(choice.schedule, find_schedule(schedule));
    }
    ++known;
  }
  EXPECT_TRUE(known > 50 || webui_json("infotext/sampler_names.json").is_null());
}

TEST(Samplers, AnUnknownNameIsAnErrorWithTheNearest) {
  const auto hint_of = [](const auto& find) {
    try {
      find();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.hint();
    }
    ADD_FAILURE() << "found what is not there";
    return std::string();
  };
  EXPECT_EQ(hint_of([] { choose_sampler("eular"); }).rfind("nearest: euler", 0), 0U);
  EXPECT_EQ(hint_of([] { choose_sampler("DPM++ 2N Karras"); }).rfind("nearest: DPM++ 2M", 0), 0U);
  EXPECT_NE(hint_of([] { find_schedule("karas"); }).find("karras"), std::string::npos);
  const std::string all = hint_of([] { choose_sampler("xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"); });
  for (const Sampler& sampler : samplers()) EXPECT_NE(all.find(sampler.name), std::string::npos);
}

TEST(Samplers, RefuseStepCountsBeyondReason) {
  for (const Sampler& sampler : samplers()) {
    for (const int64_t steps : {int64_t{0}, int64_t{-5}, INT64_MAX, INT64_MIN}) {
      expect_error(ErrorKind::kUsage, "`steps`", [&] { plan_of(sampler, {.steps = steps}); });
    }
  }
}

TEST(SamplingPlan, PutsTheReferencesNoiseIntoAPicture) {
  const auto plan = [](double strength) {
    return plan_sampling(v1_schedule(), {.steps = 50, .strength = strength});
  };
  for (const auto& [strength, steps, timestep] :
       {std::tuple{0.0, 0, 1}, {0.02, 1, 21}, {0.29, 14, 281}, {0.75, 37, 741}, {1.0, 50, 981}}) {
    const SamplingPlan made = plan(strength);
    EXPECT_EQ(made.steps(), steps) << strength;
    const double a = alpha_at(timestep);
    EXPECT_NEAR(made.start.alpha, std::sqrt(a), 1e-6) << strength;
    EXPECT_NEAR(made.start.sigma, std::sqrt(1 - a), 1e-6) << strength;
  }
}

TEST(SamplingPlan, PutsTheWebUisNoiseIntoAPicture) {
  for (const auto& [strength, steps] : {std::pair{0.0, 1}, {0.5, 11}, {0.75, 16}, {1.0, 20}}) {
    const SamplingPlan made =
        plan_sampling(v1_schedule(), {.sampler = "euler", .steps = 20, .strength = strength});
    EXPECT_EQ(made.steps(), steps) << strength;
    EXPECT_EQ(made.start.alpha, 1);
    EXPECT_EQ(made.start.sigma, made.levels.front().sigma);
  }
}

TEST(Denoiser, EditsStandBetweenPredictionAndStep) {
  const at::Tensor x = numbers(kShape, 6), picture = numbers(kShape, 7);
  Denoiser denoiser = unguided(model_of(data_with(1)));
  std::vector<int64_t> calls;
  denoiser.edit([&](Prediction* p, const Evaluation& at) {
    calls.push_back(at.number);
    p->x0 = picture;
  });
  denoiser.edit([&](Prediction* p, const Evaluation&) { p->x0 = p->x0 * 2; });
  RecordingNoise noise(1);
  DrawnNoise stream(noise, kShape, 2, at::kCPU);
  const SamplingPlan plan = plan_of(find_sampler("euler"), {.steps = 3});
  const at::Tensor end = sample(plan, &denoiser, x, &stream, {}, {});
  EXPECT_TRUE(at::equal(end, picture * 2));
  EXPECT_EQ(calls, std::vector<int64_t>({0, 1, 2}));
}

TEST(Denoiser, ReadsAVelocityAsTheNoiseThatItStandsFor) {
  const GaussianData data = data_with(0.5);
  const EpsModel velocity = [&](const at::Tensor& x, double t) {
    const double a = alpha_at(t);
    const at::Tensor eps = data.eps(x, t);
    return std::sqrt(a) * eps - std::sqrt(1 - a) * (x - std::sqrt(1 - a) * eps) / std::sqrt(a);
  };
  Denoiser by_eps = unguided(model_of(data));
  Denoiser by_velocity = unguided(velocity, Predicts::kV);
  const double a = alpha_at(500);
  for (const Level& level :
       {Level{500, std::sqrt(a), std::sqrt(1 - a)}, Level{500, 1, std::sqrt((1 - a) / a)}}) {
    const at::Tensor x = numbers(kShape, 6) * size_of(level);
    const Prediction one = by_eps(x, level), other = by_velocity(x, level);
    EXPECT_LT(largest(one.eps - other.eps), 1e-5);
    EXPECT_LT(largest(one.x0 - other.x0), 1e-5);
  }
}

/// A network that remembers its inputs and answers with the context's mean, row by row.
struct FakeNetwork {
  std::vector<std::pair<at::Tensor, at::Tensor>> calls;
  EpsNetwork function() {
    return [this](const at::Tensor& context) {
      return [this, context](const at::Tensor& x, double) {
        calls.emplace_back(x, context);
        return at::ones_like(x[0]) * context.mean({1, 2}).reshape({-1, 1, 1, 1});
      };
    };
  }
};

/// What a sampler takes for the noise in x.
at::Tensor eps_at(Denoiser model, const at::Tensor& x) { return model(x, {5, 0.6, 0.8}).eps; }

TEST(Guidance, IsOneCallOfBothHalvesUnconditionalFirst) {
  const at::Tensor x = numbers(kShape, 9);
  const at::Tensor cond = at::full({2, 77, 8}, 3.0);
  const at::Tensor uncond = at::full({2, 77, 8}, 1.0);
  for (const double scale : {7.5, 0.0, -2.0}) {
    FakeNetwork network;
    const at::Tensor eps = eps_at(guided({network.function(), cond, uncond, {scale, scale}}), x);
    EXPECT_LT(largest(eps - (1 + scale * 2)), 1e-5) << scale;
    ASSERT_EQ(network.calls.size(), 1U);
    EXPECT_TRUE(at::equal(network.calls[0].first, x));
    EXPECT_TRUE(at::equal(network.calls[0].second, at::cat({uncond, cond})));
  }
}

TEST(Guidance, TakesAScaleForEveryRow) {
  FakeNetwork network;
  const at::Tensor cond = at::full({2, 77, 8}, 3.0);
  const at::Tensor uncond = at::full({2, 77, 8}, 1.0);
  const at::Tensor eps =
      eps_at(guided({network.function(), cond, uncond, {7.5, -2}}), numbers(kShape, 9));
  EXPECT_LT(largest(eps[0] - 16), 1e-5);
  EXPECT_LT(largest(eps[1] + 3), 1e-5);
}

TEST(Guidance, IsOnePlainCallWithoutAnUnconditionalContext) {
  const at::Tensor x = numbers(kShape, 9);
  const at::Tensor cond = at::full({2, 77, 8}, 3.0);
  FakeNetwork network;
  EXPECT_LT(largest(eps_at(guided({network.function(), cond, at::Tensor(), {7.5, 7.5}}), x) - 3),
            1e-6);
  ASSERT_EQ(network.calls.size(), 1U);
  EXPECT_TRUE(at::equal(network.calls[0].first, x));
  EXPECT_TRUE(at::equal(network.calls[0].second, cond));
}

TEST(Guidance, MayEndBeforeTheRunDoes) {
  const at::Tensor x = numbers(kShape, 9);
  const at::Tensor cond = at::full({2, 77, 8}, 3.0);
  const at::Tensor uncond = at::full({2, 77, 8}, 1.0);
  FakeNetwork network;
  Denoiser model = guided({.network = network.function(),
                           .cond = cond,
                           .uncond = uncond,
                           .scales = {7.5, 7.5},
                           .guides = [](const Evaluation& at) { return at.number < 1; }});
  const Level level{5, 0.6, 0.8};
  EXPECT_LT(largest(model(x, level).eps - 16), 1e-5);
  EXPECT_LT(largest(model(x, level).eps - 3), 1e-5);
  ASSERT_EQ(network.calls.size(), 2U);
  EXPECT_TRUE(at::equal(network.calls[0].second, at::cat({uncond, cond})));
  EXPECT_TRUE(at::equal(network.calls[1].second, cond));
}

}  // namespace
}  // namespace sd::test
