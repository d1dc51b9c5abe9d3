// The schedules, the levels that a model knows and the web UI's timesteps against the web UI's own.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>

#include "sampling/sampling_plan.h"
#include "support/expect_error.h"
#include "support/webui.h"

namespace sd::test {
using namespace sampling;

namespace {

const ModelSigmas& v1_sigmas() {
  static const ModelSigmas sigmas(sd_v1_schedule());
  return sigmas;
}

ScheduleArgs args_of(int64_t steps) {
  return {v1_sigmas(), steps, v1_sigmas().least(), v1_sigmas().most()};
}

void expect_sigmas(const at::Tensor& ours, const nlohmann::json& expected, double tolerance) {
  ASSERT_EQ(ours.size(0), std::ssize(expected));
  EXPECT_EQ(ours.scalar_type(), at::kFloat);
  for (int64_t i = 0; i < ours.size(0); ++i) {
    const double e = expected.at(static_cast<size_t>(i));
    EXPECT_NEAR(ours[i].item<double>(), e, tolerance * std::abs(e)) << i;
  }
}

TEST(Schedules, AreTheWebUis) {
  SD_NEEDS_WEBUI();
  const auto recorded = webui_json("unit/schedules.json").at("schedules");
  for (const Schedule& schedule : schedules()) {
    if (schedule.name == std::string("trailing")) continue;  // diffusers': few_step_test.cc
    for (const auto& [steps, sigmas] : recorded.at(schedule.label).items()) {
      SCOPED_TRACE(std::string(schedule.name) + " " + steps);
      expect_sigmas(schedule.sigmas(args_of(std::stoll(steps))), sigmas, 2e-6);
    }
  }
}

TEST(Schedules, TakeOtherEndsAndShapes) {
  SD_NEEDS_WEBUI();
  for (const auto& variant : webui_json("unit/schedules.json").at("variants")) {
    const std::string label = variant.at(0);
    SCOPED_TRACE(label + " " + variant.at(2).dump());
    ScheduleArgs args = args_of(variant.at(1));
    const auto& settings = variant.at(2);
    args.sigma_min = settings.value("sigma_min", args.sigma_min);
    args.sigma_max = settings.value("sigma_max", args.sigma_max);
    if (settings.contains("rho")) args.rho = settings.at("rho").get<double>();
    args.beta_alpha = settings.value("alpha", args.beta_alpha);
    args.beta_beta = settings.value("beta", args.beta_beta);
    expect_sigmas(find_schedule(label)->sigmas(args), variant.at(3), 2e-6);
  }
}

TEST(Schedules, OfConsistencyModelsHaveFiftyLevels) {
  SD_NEEDS_WEBUI();
  const auto recorded = webui_json("unit/schedules.json");
  const ModelSigmas model(sd_v1_schedule(), {.consistency = true});
  expect_sigmas(model.all(), recorded.at("lcm_model_sigmas"), 2e-6);
  for (const auto& [steps, sigmas] : recorded.at("lcm").items()) {
    expect_sigmas(find_schedule("uniform")->sigmas({model, std::stoll(steps), 0, 0}), sigmas, 2e-6);
  }
}

TEST(ModelSigmas, TellTimeAndSigmaAsTheWebUiDoes) {
  SD_NEEDS_WEBUI();
  const auto recorded = webui_json("unit/schedules.json");
  const ModelSigmas whole(sd_v1_schedule(), {.quantize = true});
  const ModelSigmas consistency(sd_v1_schedule(), {.consistency = true});
  const auto time = [](const ModelSigmas& model, double sigma) {
    return model.time_of(at::full({1}, sigma, at::kFloat)).item<double>();
  };
  for (const auto& row : recorded.at("sigma_to_t")) {
    const double sigma = row.at(0), t = row.at(1);
    EXPECT_NEAR(time(v1_sigmas(), sigma), t, 2e-6 * std::max(t, 1.0)) << sigma;
    EXPECT_EQ(time(whole, sigma), row.at(2).get<double>()) << sigma;
    EXPECT_EQ(time(consistency, sigma), row.at(3).get<double>()) << sigma;
  }
  for (const auto& row : recorded.at("t_to_sigma")) {
    const at::Tensor t = at::full({1}, row.at(0).get<double>(), at::kFloat);
    const double sigma = row.at(1), other = row.at(2);
    EXPECT_NEAR(v1_sigmas().at_times(t).item<double>(), sigma, 2e-6 * sigma);
    EXPECT_NEAR(consistency.at_times(t).item<double>(), other, 2e-6 * other);
  }
}

TEST(SamplingPlan, TakesTheWebUisTimesteps) {
  SD_NEEDS_WEBUI();
  for (const auto& [steps, recorded] : webui_json("unit/schedules.json").at("timesteps").items()) {
    if (!recorded.is_array()) continue;  // only their count
    const SamplingPlan plan =
        plan_sampling(sd_v1_schedule(), {.sampler = "webui_ddim", .steps = std::stoll(steps)});
    ASSERT_EQ(plan.levels.size(), recorded.size()) << steps;
    for (size_t i = 0; i < recorded.size(); ++i) {
      EXPECT_EQ(plan.levels[recorded.size() - 1 - i].t, recorded.at(i).get<double>()) << steps;
    }
  }
}

TEST(Schedules, AreFoundByNameAndLabel) {
  for (const Schedule& schedule : schedules()) {
    EXPECT_EQ(find_schedule(schedule.name), &schedule);
    EXPECT_EQ(find_schedule(schedule.label), &schedule);
  }
  EXPECT_EQ(find_schedule("SGMUniform"), find_schedule("sgm_uniform"));
  EXPECT_EQ(find_schedule("Automatic"), nullptr);
  expect_error(ErrorKind::kUsage, "there is no schedule 'karas'", [] { find_schedule("karas"); });
}

/// The levels of a run with this schedule, added up.
double sum_of_levels(const Sampler& sampler, const char* schedule, std::optional<double> strength) {
  const SamplingPlan plan = plan_sampling(sd_v1_schedule(), {.sampler = sampler.name,
                                                             .schedule = schedule,
                                                             .steps = sampler.limits.usual,
                                                             .strength = strength});
  double sum = 0;
  for (const Level& level : plan.levels) sum += level.sigma;
  return sum;
}

TEST(Schedules, AreLookedAtBySamplersOfWhichTheTableSaysSo) {
  for (const Sampler& sampler : samplers()) {
    for (const std::optional<double> strength : {std::optional<double>(), std::optional(0.6)}) {
      if (strength && !sampler.starts_from_picture) continue;
      SCOPED_TRACE(std::string(sampler.name) + (strength ? " from a picture" : ""));
      const bool differ = sum_of_levels(sampler, "karras", strength) !=
                          sum_of_levels(sampler, "exponential", strength);
      EXPECT_EQ(uses_schedule(sampler, strength.has_value()), differ);
    }
  }
}

}  // namespace
}  // namespace sd::test
