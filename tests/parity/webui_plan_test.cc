// The web UI's recorded runs without a network: where the denoiser is asked, and every random
// number in its order.

#include <gtest/gtest.h>

#include "kernels/table.h"
#include "pipeline/batch_noise.h"
#include "pipeline/request_sampling.h"
#include "sd/error.h"
#include "support/webui_cases.h"

namespace sd::test {
using namespace kernels;
using namespace pipeline;
using namespace sampling;

namespace {

/// Compares what is drawn with the recorded draws, one after the other.
class RecordedDraws {
 public:
  explicit RecordedDraws(const nlohmann::json& draws) : draws_(draws) {}

  void skip(int64_t count) { at_ += static_cast<size_t>(count); }
  bool at_end() const { return at_ == draws_.size(); }

  /// A draw of all pictures, [N, C, h, w].
  void expect(const at::Tensor& drawn) {
    for (int64_t row = 0; row < drawn.size(0); ++row) expect_first(take(), drawn[row]);
  }

  void expect(double from, double to, const at::Tensor& increment) {
    const nlohmann::json recorded = take();
    ASSERT_EQ(recorded.value("kind", ""), "brownian");
    EXPECT_EQ(static_cast<float>(from), recorded.at("sigma").get<float>());
    EXPECT_EQ(static_cast<float>(to), recorded.at("sigma_next").get<float>());
    expect_first(recorded, increment[0]);
  }

 private:
  nlohmann::json take() {
    const size_t at = at_++;
    EXPECT_LT(at, draws_.size());
    return at < draws_.size() ? draws_.at(at) : nlohmann::json();
  }

  /// The first values of a picture's tensor.
  static void expect_first(const nlohmann::json& recorded, const at::Tensor& drawn) {
    if (recorded.is_null()) return;
    const std::string kind = recorded.at("kind");
    const double tolerance = kind == "brownian" ? 1e-5 : kind == "gpu" ? 2e-6 : 1e-6;
    const at::Tensor flat = drawn.flatten();
    for (int64_t i = 0; i < std::ssize(recorded.at("first")); ++i) {
      EXPECT_NEAR(flat[i].item<double>(), recorded.at("first").at(static_cast<size_t>(i)),
                  tolerance);
    }
  }

  const nlohmann::json& draws_;
  size_t at_ = 0;
};

/// The program's own noise, compared as it is drawn.
class ComparedNoise final : public NoiseStream {
 public:
  ComparedNoise(NoiseStream* noise, RecordedDraws* recorded) : noise_(noise), recorded_(recorded) {}

  at::Tensor next(double weight) override {
    const at::Tensor drawn = noise_->next(1);
    recorded_->expect(drawn);
    return weight == 0 ? at::Tensor() : drawn;
  }
  at::Tensor between(double from, double to) override {
    const at::Tensor increment = noise_->between(from, to);
    recorded_->expect(from, to, increment);
    return increment;
  }

 private:
  NoiseStream* noise_;
  RecordedDraws* recorded_;
};

bool by_time(const SamplingPlan& plan) {
  return plan.sampler.grid == Grid::kWebUi || plan.sampler.grid == Grid::kUniPc;
}

/// The levels of a plan, which are the end of the recorded ones.
void expect_levels(const SamplingPlan& plan, const nlohmann::json& recorded) {
  std::vector<double> ours, theirs = recorded;
  for (const Level& level : plan.levels) ours.push_back(by_time(plan) ? level.t : level.sigma);
  if (by_time(plan)) std::reverse(theirs.begin(), theirs.end());
  ASSERT_LE(ours.size(), theirs.size());
  EXPECT_EQ(ours, std::vector(theirs.end() - std::ssize(ours), theirs.end()));
}

/// A network that predicts the same share of everything.
Denoiser plain_denoiser(const SamplingPlan& plan, std::vector<float>* asked) {
  return Denoiser([by_time = by_time(plan), asked](const at::Tensor& x, const Evaluation& at) {
    asked->push_back(static_cast<float>(by_time ? at.at.t : at.at.sigma));
    const at::Tensor eps = 0.1 * x;
    return Prediction{(x - at.at.sigma * eps) / at.at.alpha, eps, eps};
  });
}

class WebUiPlans : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SD_NEEDS_WEBUI(); }
};

/// Draws a request, compares what it draws, and adds where the denoiser was asked.
void run(const WebUiCase& of, const Request& request, size_t number, RecordedDraws* recorded,
         std::vector<float>* asked) {
  const SamplingPlan plan =
      plan_sampling(NoiseSchedule::linear(0.00085, 0.012, 1000), sampling_of(request));
  if (plan.sampler.grid == Grid::kSigmas) {
    expect_levels(plan, of.recorded.at("sigmas").at(number));
  } else if (plan.sampler.grid == Grid::kWebUi) {
    expect_levels(plan, of.recorded.at("timesteps").at(number));
  }
  const std::vector<int64_t> shape = {4, request.batch.height / 8, request.batch.width / 8};
  const auto rows = std::ssize(request.pictures);
  BatchNoise place(request.noise, rows, shape, 8);
  const at::Tensor start = place.start();
  const NoiseChanges& changes = request.noise.changes;
  if (changes.variation_strength != 0 || changes.from_width != 0) {
    recorded->skip(2 * rows);  // the two draws that the start is mixed of
  } else {
    recorded->expect(start);
  }
  std::vector<BrownianTree> paths;
  if (plan.sampler.noise == NoiseUse::kBrownian) paths = place.paths(plan.lowest, plan.highest);
  DrawnNoise drawn(place.steps(), place.shape(), rows, at::kCPU, paths);
  ComparedNoise noise(&drawn, recorded);
  Denoiser denoiser = plain_denoiser(plan, asked);
  run_sampler(plan, request.batch.knobs, plan.start.sigma * start,
              *choose_kernel(mix_entries(), MixSpec{}, {}), &noise, &denoiser, {});
}

TEST_P(WebUiPlans, AskAndDrawAsRecorded) {
  const WebUiCase of(GetParam());
  if (of.fails()) {
    EXPECT_THROW(requests_of(of), Error);
    return;
  }
  if (of.is_adaptive()) GTEST_SKIP() << "the lengths of its steps hang on what the network says";
  RecordedDraws recorded(of.recorded.at("draws"));
  std::vector<float> asked;
  size_t number = 0;
  for (const Request& request : requests_of(of)) run(of, request, number++, &recorded, &asked);
  EXPECT_EQ(asked, of.recorded.at("evaluations").get<std::vector<float>>());
  EXPECT_TRUE(recorded.at_end());
}

INSTANTIATE_TEST_SUITE_P(Recorded, WebUiPlans, testing::ValuesIn(webui_cases()), webui_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WebUiPlans);

}  // namespace
}  // namespace sd::test
