// Every sampler against the web UI's and k-diffusion's functions on denoisers in closed form.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/table.h"
#include "sampling/continuous_schedule.h"
#include "sampling/sampling_plan.h"
#include "support/webui.h"

namespace sd::test {
using namespace kernels;
using namespace sampling;

namespace {

/// Numbers of one or two pictures.
at::Tensor pictures(const nlohmann::json& numbers, at::ScalarType type) {
  return numbers_tensor(numbers, {std::ssize(numbers) / 6, 1, 2, 3}, type);
}

/// Gives what the recorded run drew.
class RecordedNoise final : public NoiseStream {
 public:
  RecordedNoise(const nlohmann::json& recorded, at::ScalarType type) : type_(type) {
    if (recorded.contains("noise")) noise_ = recorded.at("noise");
    if (recorded.contains("asked")) asked_ = recorded.at("asked");
  }
  at::Tensor next(double /*weight*/) override { return pictures(take(), type_); }
  at::Tensor between(double from, double to) override {
    const size_t at = static_cast<size_t>(drawn);
    if (at < asked_.size() && type_ == at::kDouble) {
      EXPECT_NEAR(from, asked_.at(at).at(0).get<double>(), 1e-12 * from);
      EXPECT_NEAR(to, asked_.at(at).at(1).get<double>(), 1e-12 * to);
    }
    return pictures(take(), type_);
  }
  int64_t drawn = 0;

 private:
  nlohmann::json take() {
    const auto at = static_cast<size_t>(drawn++);
    EXPECT_LT(at, noise_.size());
    return at < noise_.size() ? noise_.at(at) : nlohmann::json(std::vector<double>(12, 0.0));
  }

  at::ScalarType type_;
  nlohmann::json noise_ = nlohmann::json::array(), asked_ = nlohmann::json::array();
};

/// The names of the recorded functions, longest first.
const std::pair<const char*, const char*> kFunctions[] = {{"euler_ancestral", "euler_a"},
                                                          {"euler", "euler"},
                                                          {"heun", "heun"},
                                                          {"dpm_2_ancestral", "dpm2_a"},
                                                          {"dpm_2", "dpm2"},
                                                          {"lms", "lms"},
                                                          {"dpmpp_2s_ancestral", "dpmpp_2s_a"},
                                                          {"dpmpp_sde", "dpmpp_sde"},
                                                          {"dpmpp_2m_sde", "dpmpp_2m_sde"},
                                                          {"dpmpp_2m", "dpmpp_2m"},
                                                          {"dpmpp_3m_sde", "dpmpp_3m_sde"},
                                                          {"lcm", "lcm"},
                                                          {"restart", "restart"},
                                                          {"dpm_fast", "dpm_fast"},
                                                          {"dpm_adaptive", "dpm_adaptive"},
                                                          {"ddim", "webui_ddim"},
                                                          {"plms", "webui_plms"},
                                                          {"unipc", "unipc"}};

const Sampler& sampler_of(const nlohmann::json& recorded) {
  const std::string name = recorded.at("name");
  const std::string function = name.substr(0, name.find_first_of("-/"));
  for (const auto& [theirs, ours] : kFunctions) {
    if (function != theirs) continue;
    const bool heun = recorded.at("options").value("solver_type", "") == "heun";
    return find_sampler(std::string(ours) + (heun ? "_heun" : ""));
  }
  throw std::runtime_error("no sampler for " + name);
}

SamplerKnobs knobs_of(const nlohmann::json& recorded) {
  SamplerKnobs knobs;
  const auto& options = recorded.at("options");
  if (options.contains("eta")) knobs.eta = options.at("eta").get<double>();
  knobs.s_noise = options.value("s_noise", 1.0);
  knobs.s_churn = options.value("s_churn", 0.0);
  knobs.s_tmin = options.value("s_tmin", 0.0);
  knobs.s_tmax = options.value("s_tmax", 0.0);
  knobs.lms_order = options.value("order", 4);
  const auto settings = recorded.value("settings", nlohmann::json::object());
  const std::string variant = settings.value("variant", "bh1");
  knobs.unipc_variant = variant == "bh1"   ? UniPcVariant::kBh1
                        : variant == "bh2" ? UniPcVariant::kBh2
                                           : UniPcVariant::kVaryCoeff;
  const std::string skip = settings.value("skip_type", "time_uniform");
  knobs.unipc_skip = skip == "time_uniform" ? UniPcSkip::kTimeUniform
                     : skip == "logSNR"     ? UniPcSkip::kLogSnr
                                            : UniPcSkip::kTimeQuadratic;
  knobs.unipc_order = settings.value("order", knobs.unipc_order);
  knobs.unipc_lower_order_final =
      settings.value("lower_order_final", knobs.unipc_lower_order_final);
  return knobs;
}

/// Sigmas or ascending timesteps of the recorded run, as levels; and times where they are needed.
void lay_levels(const nlohmann::json& recorded, const Sampler& sampler, const ModelSigmas& model,
                const SamplerKnobs& knobs, Levels* levels, std::vector<float>* times) {
  std::vector<double> numbers;
  if (recorded.at("sigmas").is_array()) recorded.at("sigmas").get_to(numbers);
  const auto& options = recorded.at("options");
  if (sampler.grid == Grid::kEnds) {
    for (const char* end : {"sigma_max", "sigma_min"}) {
      levels->push_back(model.level(at::scalar_tensor(options.at(end).get<double>(), at::kFloat)));
    }
  } else if (sampler.grid == Grid::kSigmas) {
    for (const double sigma : numbers) {
      levels->push_back(model.level(at::scalar_tensor(sigma, at::kDouble)));
    }
  } else if (sampler.grid == Grid::kUniPc) {
    const bool picture = options.value("is_img2img", false);
    const float from =
        picture ? static_cast<float>(numbers.back()) / 1000.0F + static_cast<float>(0.001) : 1.0F;
    *times = times_to_end(model.schedule(), from, std::ssize(numbers), knobs.unipc_skip);
    *levels = levels_at(model.schedule(), *times);
  } else {
    for (auto t = numbers.rbegin(); t != numbers.rend(); ++t) {
      const float a = model.schedule().alphas_cumprod()[static_cast<size_t>(*t)];
      levels->push_back({*t, std::sqrt(a), std::sqrt(1 - a)});
    }
  }
}

struct Outcome {
  at::Tensor x;
  int64_t evaluations = 0, drawn = 0;
  std::vector<Level> asked;
};

Outcome run(const nlohmann::json& recorded, at::ScalarType type) {
  const Sampler& sampler = sampler_of(recorded);
  const ModelSigmas model(sd_v1_schedule(), {.consistency = sampler.consistency});
  const SamplerKnobs knobs = knobs_of(recorded);
  Levels levels;
  std::vector<float> times;
  lay_levels(recorded, sampler, model, knobs, &levels, &times);
  const bool by_eps = sampler.grid == Grid::kWebUi || sampler.grid == Grid::kUniPc;
  Outcome result;
  Denoiser denoiser([&](const at::Tensor& x, const Evaluation& at) -> Prediction {
    result.asked.push_back(at.at);
    if (by_eps) {
      const auto t = static_cast<float>(at.at.t);
      const at::Tensor eps = 0.9 * (0.7 * x).tanh() + 0.05 * std::sin(t / 100);
      return {(x - at.at.sigma * eps) / at.at.alpha, eps, eps};
    }
    const double s2 = at.at.sigma * at.at.sigma;
    const at::Tensor x0 = 0.8 * (x / std::sqrt(1 + s2)).tanh() + 0.1 * x / (1 + s2);
    const at::Tensor eps = (x - x0) / at.at.sigma;
    return {x0, eps, eps};
  });
  RecordedNoise noise(recorded, type);
  const auto mix = choose_kernel(mix_entries(), MixSpec{}, {});
  result.x = sampler.sample({.denoise = denoiser,
                             .x = pictures(recorded.at("x"), type),
                             .levels = levels,
                             .times = times,
                             .count = recorded.at("options").value("n", int64_t{0}),
                             .total = 0,
                             .model = model,
                             .noise = noise,
                             .mix = *mix,
                             .knobs = knobs,
                             .on_step = {}});
  result.evaluations = denoiser.evaluations();
  result.drawn = noise.drawn;
  return result;
}

bool starts_with(const nlohmann::json& recorded, const char* what) {
  return recorded.at("name").get<std::string>().rfind(what, 0) == 0;
}

double double_tolerance(const nlohmann::json& recorded) {
  if (starts_with(recorded, "dpm_adaptive")) return 2e-3;
  const bool inner_in_single =
      starts_with(recorded, "dpm_fast") || starts_with(recorded, "restart-");
  return inner_in_single ? 1e-5 : 1e-9;
}

double single_tolerance(const nlohmann::json& recorded) {
  if (starts_with(recorded, "dpm_adaptive")) return 2e-3;
  if (starts_with(recorded, "dpm_2_ancestral") &&
      recorded.at("name").get<std::string>().find("karras-1") != std::string::npos) {
    return 2e-3;
  }
  for (const char* amplifies : {"dpm_2_ancestral", "dpmpp_2s_ancestral", "dpm_fast"}) {
    if (starts_with(recorded, amplifies)) return 1e-4;
  }
  return 1e-5;
}

/// At which sigmas, or timesteps, the denoiser was asked.
void expect_levels(const nlohmann::json& recorded, const Outcome& run, double tolerance) {
  const Grid grid = sampler_of(recorded).grid;
  const bool timesteps = grid == Grid::kWebUi || grid == Grid::kUniPc;
  const auto& evaluations = recorded.at("evaluations");
  for (size_t i = 0; i < std::min(evaluations.size(), run.asked.size()); ++i) {
    const double ours = timesteps ? run.asked[i].t : run.asked[i].sigma;
    const double theirs = evaluations.at(i).at("sigma");
    EXPECT_NEAR(ours, theirs, tolerance * std::abs(theirs)) << i;
  }
}

class Analytic : public testing::TestWithParam<size_t> {};

const nlohmann::json& analytic_cases() {
  static const nlohmann::json cases =
      webui_json("unit/analytic.json").value("cases", nlohmann::json::array());
  return cases;
}

TEST_P(Analytic, IsTheWebUis) {
  const auto& recorded = analytic_cases().at(GetParam());
  SCOPED_TRACE(recorded.at("name").get<std::string>() + " " + recorded.at("options").dump() +
               recorded.value("settings", nlohmann::json()).dump());
  if (recorded.contains("error")) {
    // Where the recorded functions fail, ours give a picture or refuse the plan.
    GTEST_SKIP() << recorded.at("error");
  }
  const Outcome single = run(recorded, at::kFloat);
  EXPECT_EQ(single.evaluations, recorded.at("float32_evaluations").get<int64_t>());
  EXPECT_EQ(single.drawn, recorded.at("draws").get<int64_t>());
  EXPECT_LE(relative_difference(single.x, pictures(recorded.at("float32"), at::kFloat)),
            single_tolerance(recorded));
  if (!recorded.contains("float64")) return expect_levels(recorded, single, 1e-5);
  const Outcome wide = run(recorded, at::kDouble);
  expect_levels(recorded, wide, double_tolerance(recorded));
  EXPECT_EQ(wide.evaluations, recorded.at("float64_evaluations").get<int64_t>());
  EXPECT_LE(relative_difference(wide.x, pictures(recorded.at("float64"), at::kDouble)),
            double_tolerance(recorded));
}

INSTANTIATE_TEST_SUITE_P(WebUi, Analytic, testing::Range(size_t{0}, analytic_cases().size()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Analytic);

}  // namespace
}  // namespace sd::test
