// Samplers for few steps against diffusers' schedulers on a denoiser in closed form.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "kernels/table.h"
#include "sampling/few_step_levels.h"
#include "sampling/sampling_plan.h"
#include "support/expect_error.h"
#include "support/webui.h"

namespace sd::test {
using namespace kernels;
using namespace sampling;

namespace {

const nlohmann::json& recorded_cases() {
  static const nlohmann::json cases =
      webui_json("fewstep/analytic.json").value("cases", nlohmann::json::array());
  return cases;
}

at::Tensor pictures(const nlohmann::json& numbers, at::ScalarType type) {
  return numbers_tensor(numbers, {2, 1, 2, 3}, type);
}

/// Our sampler for a recorded scheduler; null where there is none.
const Sampler* sampler_of(const nlohmann::json& recorded) {
  static const std::map<std::string, const char*> samplers = {{"TCD", "tcd"},
                                                              {"LCM", "diffusers_lcm"},
                                                              {"DDIM", "ddim_trailing"},
                                                              {"Euler", "euler"},
                                                              {"DPMpp", "dpmpp_2m"}};
  const auto found = samplers.find(recorded.at("scheduler"));
  return found == samplers.end() ? nullptr : &find_sampler(found->second);
}

/// The recorded runs that no sampler of ours makes, and why.
const std::map<std::string, const char*>& left_out() {
  static const std::map<std::string, const char*> cases = {
      {"euler-linspace", "its times between whole ones lie evenly in sigma"},
      {"euler-trailing-karras", "its times between whole ones lie evenly in sigma"},
      {"euler-ays-sigmas", "its times between whole ones lie evenly in sigma"},
      {"dpmpp-karras", "its times are Karras' rounded"},
      {"dpmpp-karras-leading1", "its times are Karras' rounded"},
      {"dpmpp-ays-heun", "the other correction of second order"},
      {"dpmpp-ays-smin", "it ends above 0"},
      {"dpmpp-ays-order3", "of third order"},
      {"dpmpp-ays-sde", "with noise of its own"}};
  return cases;
}

/// The recorded times, and sigmas where there are any, as a sampler's levels, and the end.
void lay(const nlohmann::json& recorded, const NoiseSchedule& schedule, Levels* levels,
         std::vector<float>* targets) {
  const auto steps = recorded.at("set_timesteps").value("num_inference_steps", int64_t{10});
  const auto& times = recorded.at("timesteps");
  const bool has_sigmas = recorded.contains("sigmas") && !recorded.at("sigmas").is_null();
  for (size_t i = 0; i < times.size(); ++i) {
    const auto t = times[i].get<int64_t>();
    targets->push_back(static_cast<float>(std::max<int64_t>(t - 1000 / steps, -1)));
    levels->push_back(timestep_level(schedule, t));
    if (!has_sigmas) continue;
    const auto& sigmas = recorded.at("sigmas");  // of all steps, also those that are left out
    levels->back() = {levels->back().t, 1, sigmas.at(sigmas.size() - 1 - times.size() + i)};
  }
  const bool to_one = recorded.at("config").value("set_alpha_to_one", true);
  levels->push_back(has_sigmas || to_one ? Level{0, 1, 0} : timestep_level(schedule, 0));
}

/// Gives what the recorded run drew, where it is asked for.
class RecordedNoise final : public NoiseStream {
 public:
  RecordedNoise(const nlohmann::json& recorded, at::ScalarType type)
      : noise_(recorded.at("noise")), type_(type) {}
  at::Tensor next(double weight) override {
    return weight == 0 ? at::Tensor() : pictures(noise_.at(drawn_++), type_);
  }
  at::Tensor between(double, double) override { return {}; }

 private:
  const nlohmann::json& noise_;
  at::ScalarType type_;
  size_t drawn_ = 0;
};

/// Largest difference of the latents after each step, over the largest value.
double difference_of_steps(const nlohmann::json& recorded, at::ScalarType type) {
  const Sampler& sampler = *sampler_of(recorded);
  const ModelSigmas model(sd_v1_schedule(), {.quantize = true});  // its times are whole
  SamplerKnobs knobs;
  if (recorded.at("step").contains("eta")) knobs.eta = recorded.at("step").at("eta").get<double>();
  Levels levels;
  std::vector<float> targets;
  lay(recorded, model.schedule(), &levels, &targets);
  Denoiser denoiser([&](const at::Tensor& x, const Evaluation& at) -> Prediction {
    const at::Tensor input = input_scale(at.at) * x;
    const at::Tensor eps = 0.9 * (0.7 * input).tanh() + 0.05 * std::sin(at.at.t / 100);
    return {(x - at.at.sigma * eps) / at.at.alpha, eps, eps};
  });
  RecordedNoise noise(recorded, type);
  const auto& run = recorded.at(type == at::kDouble ? "float64" : "float32");
  // DPM++ 2M is recorded with alpha² + sigma² = 1, and has alpha 1 here.
  const bool scales = recorded.at("scheduler") == "DPMpp";
  const auto size_of = [&](size_t i) {
    return scales ? std::sqrt(1 + levels[i].sigma * levels[i].sigma) : 1.0;
  };
  double largest = 0;
  const auto mix = choose_kernel(mix_entries(), MixSpec{}, {});
  sampler.sample({.denoise = denoiser,
                  .x = pictures(run.at("start"), type) * size_of(0),
                  .levels = levels,
                  .times = targets,
                  .count = 0,
                  .total = 0,
                  .model = model,
                  .noise = noise,
                  .mix = *mix,
                  .knobs = knobs,
                  .on_step = [&](const StepState& state) {
                    const auto step = static_cast<size_t>(state.step);
                    const at::Tensor expected = pictures(run.at("outputs").at(step - 1), type);
                    largest =
                        std::max(largest, relative_difference(state.x / size_of(step), expected));
                  }});
  return largest;
}

class FewSteps : public testing::TestWithParam<size_t> {};

TEST_P(FewSteps, AreDiffusers) {
  const auto& recorded = recorded_cases().at(GetParam());
  const std::string name = recorded.at("name");
  SCOPED_TRACE(name);
  if (sampler_of(recorded) == nullptr) GTEST_SKIP() << name << ": no sampler of ours";
  if (const auto out = left_out().find(name); out != left_out().end()) {
    GTEST_SKIP() << name << ": " << out->second;
  }
  const bool single_factors = recorded.at("scheduler") == "LCM";
  EXPECT_LE(difference_of_steps(recorded, at::kFloat), 1e-5);
  EXPECT_LE(difference_of_steps(recorded, at::kDouble), single_factors ? 2e-7 : 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Diffusers, FewSteps, testing::Range(size_t{0}, recorded_cases().size()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FewSteps);

/// The whole timesteps of a plan.
std::vector<int64_t> times_of(const SamplingSettings& settings) {
  const SamplingPlan plan = plan_sampling(sd_v1_schedule(), settings);
  std::vector<int64_t> times;
  for (size_t i = 0; i + 1 < plan.levels.size(); ++i) {
    EXPECT_NEAR(plan.levels[i].t, std::round(plan.levels[i].t), 1e-6);
    times.push_back(std::llround(plan.levels[i].t));
  }
  return times;
}

TEST(FewStepPlans, HaveDiffusersTimesteps) {
  SD_NEEDS_WEBUI();
  const auto recorded = webui_json("fewstep/timesteps.json");
  const nlohmann::json trailing = {{"timestep_spacing", "trailing"}};
  for (const auto& [scheduler, sampler, config] :
       {std::tuple{"TCD", "tcd", nlohmann::json::object()},
        {"LCM", "diffusers_lcm", nlohmann::json::object()},
        {"DDIM", "ddim_trailing", trailing},
        {"Euler", "euler", trailing}}) {
    int compared = 0;
    for (const auto& row : recorded.at(scheduler)) {
      if (row.at("config") != config) continue;
      SCOPED_TRACE(std::string(sampler) + " " + row.at("steps").dump());
      const SamplingSettings settings{
          .sampler = sampler, .schedule = "trailing", .steps = row.at("steps")};
      ++compared;
      if (!row.contains("timesteps")) {
        expect_error(ErrorKind::kUsage, "`steps` must be at most 50", [&] { times_of(settings); });
      } else {
        EXPECT_EQ(times_of(settings), row.at("timesteps").get<std::vector<int64_t>>());
      }
    }
    EXPECT_GT(compared, 10) << scheduler;
  }
}

TEST(FewStepPlans, StartFromAPictureAsDiffusers) {
  SD_NEEDS_WEBUI();
  int compared = 0;
  for (const auto& recorded : recorded_cases()) {
    const Sampler* sampler = sampler_of(recorded);
    if (recorded.at("strength").is_null() || sampler == nullptr) continue;
    if (sampler->grid == Grid::kSigmas) continue;  // as many steps as in the web UI, one more
    SCOPED_TRACE(recorded.at("name").get<std::string>());
    SamplerKnobs knobs;
    knobs.fix_steps = recorded.at("strength_way") == "lcm";
    const SamplingPlan plan = plan_sampling(
        sd_v1_schedule(), {.sampler = sampler->name,
                           .steps = recorded.at("set_timesteps").at("num_inference_steps"),
                           .knobs = knobs,
                           .strength = recorded.at("strength").get<double>()});
    ASSERT_EQ(plan.steps(), std::ssize(recorded.at("timesteps")));
    const at::Tensor start = plan.start.alpha * pictures(recorded.at("x0"), at::kDouble) +
                             plan.start.sigma * pictures(recorded.at("x"), at::kDouble);
    EXPECT_LE(relative_difference(start, pictures(recorded.at("float64").at("start"), at::kDouble)),
              1e-9);
    ++compared;
  }
  EXPECT_GT(compared, 10);
}

TEST(FewStepPlans, TakeOtherOriginalTimes) {
  SamplerKnobs knobs;
  knobs.original_steps = 100;
  EXPECT_EQ(times_of({.sampler = "tcd", .steps = 6, .knobs = knobs}),
            std::vector<int64_t>({999, 839, 669, 499, 339, 169}));
  knobs.original_steps = 1000;
  EXPECT_EQ(times_of({.sampler = "tcd", .steps = 4, .knobs = knobs}),
            std::vector<int64_t>({999, 749, 499, 249}));
}

TEST(FewStepPlans, LeaveAPictureAsItIsAtStrengthZero) {
  for (const char* sampler : {"tcd", "diffusers_lcm", "ddim_trailing"}) {
    const SamplingPlan plan =
        plan_sampling(sd_v1_schedule(), {.sampler = sampler, .steps = 4, .strength = 0});
    EXPECT_EQ(plan.steps(), 0);
    EXPECT_EQ(plan.start.alpha, 1);
    EXPECT_EQ(plan.start.sigma, 0);
  }
}

TEST(FewStepPlans, RefuseAnEtaOfMoreThanOne) {
  SamplerKnobs knobs;
  knobs.eta = 1.5;
  expect_error(ErrorKind::kUsage, "`eta` must be from 0 to 1 with the sampler tcd, found 1.5", [&] {
    plan_sampling(sd_v1_schedule(), {.sampler = "tcd", .steps = 4, .knobs = knobs});
  });
}

}  // namespace
}  // namespace sd::test
