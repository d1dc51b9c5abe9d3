// The plan of a run's memory beside what ATen allocates in such a run.

#include "models/memory_plan.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <map>
#include <set>

#include "pipeline/memory_choice.h"
#include "support/cpu_tensor_meter.h"
#include "support/small_pipeline.h"

namespace sd::test {
using namespace models;
using namespace pipeline;
using namespace runtime;

namespace {

/// The most that tensors had in each stage of a run, beyond those from before it.
std::map<Stage, int64_t> measured(const Pipeline& pipeline, const Request& request) {
  CpuTensorMeter& meter = CpuTensorMeter::install();
  Session session = pipeline.start();
  std::map<Stage, int64_t> most;
  meter.restart();
  const int64_t before = meter.live();
  Stage now = Stage::kText;
  session.generate(request, nullptr, [&](const ProgressEvent& event) {
    int64_t& peak = most[now];
    peak = std::max(peak, meter.peak() - before);
    if (event.stage != now) meter.restart();
    now = event.stage;
    return true;
  });
  most[now] = std::max(most[now], meter.peak() - before);
  return most;
}

void expect_within_a_tenth(const MemoryPlan& plan, const std::map<Stage, int64_t>& most) {
  const std::map<std::string, Stage> stages = {{kEncodeStage, Stage::kEncode},
                                               {kSamplingStage, Stage::kSample},
                                               {kDecodeStage, Stage::kDecode}};
  for (const PlannedStage& stage : plan.stages) {
    const auto real = static_cast<double>(most.at(stages.at(stage.stage)));
    EXPECT_NEAR(static_cast<double>(stage.tensors) / real, 1, 0.1)
        << stage.stage << " at " << stage.layer << ": planned " << stage.tensors << ", measured "
        << real << (plan.in_strips ? ", in strips" : "");
    EXPECT_FALSE(stage.layer.empty());
  }
}

TEST(MemoryPlan, IsWithinATenthOfWhatAtenAllocates) {
  CpuTensorMeter::install();
  ModelOnDisk model(medium_config());
  const ModelConfig config = read_model_config(model.options.model.config);
  for (const bool plain : {false, true}) {
    for (const VaeTiling tiling : {VaeTiling::kOff, VaeTiling::kOn}) {
      ExecPolicy policy = cpu_policy(plain);
      policy.chosen.vae_tiling = tiling;
      const Pipeline pipeline = Pipeline::load(model.options, policy);
      // Loading puts another allocator in its place.
      const MemoryPlanner planner(shapes_of(config), policy);
      for (const int pictures : {1, 3}) {
        Request request = small_request(pictures, 256);
        const Workload load{
            .pictures = pictures, .height = 256, .width = 256, .guided = true, .encodes = false};
        expect_within_a_tenth(planner.plan(load, tiling == VaeTiling::kOn),
                              measured(pipeline, request));
      }
      // The encoder is built when it is first used, and then stays.
      Request first = small_request(1, 64);
      first.batch.init.image = std::make_shared<const Image>(64, 64);
      measured(pipeline, first);
      Request request = small_request(1, 256);
      request.batch.init.image = std::make_shared<const Image>(256, 256);
      const Workload load{
          .pictures = 1, .height = 256, .width = 256, .guided = true, .encodes = true};
      expect_within_a_tenth(planner.plan(load, tiling == VaeTiling::kOn),
                            measured(pipeline, request));
    }
  }
}

ModelConfig v1() {
  return read_model_config(std::string(SD_SOURCE_DIR) +
                           "/configs/stable-diffusion/v1-inference.yaml");
}

TEST(MemoryPlan, CountsTheWeightsOfStableDiffusionV1) {
  const MemoryPlanner planner(shapes_of(v1()), cpu_policy(true));
  const MemoryPlan plan = planner.plan({}, false);
  int64_t bytes = 49408 * 768 * 4;  // of the tokens' table, few rows are read
  for (const PlannedWeights& part : plan.weights) {
    EXPECT_EQ(part.copied, 0);
    bytes += part.mapped;
  }
  // 1,066,235,307 parameters (safetensors of the reference), less the encoder's 34,163,664.
  EXPECT_EQ(bytes, (int64_t{1'066'235'307} - 34'163'664) * 4);
}

TEST(MemoryPlan, NeedsLessThanTenGigabytesOnACardForTheReferencesCommand) {
  ExecPolicy policy;
  policy.device = at::Device("cuda");
  policy.dtype = policy.vae_dtype = at::kHalf;
  const MemoryPlanner planner(shapes_of(v1()), policy);
  const MemoryPlan plan = planner.plan(
      {.pictures = 3, .height = 512, .width = 512, .guided = true, .encodes = false}, false);
  EXPECT_LT(plan.total(), int64_t{10} << 30);
  EXPECT_GT(plan.total(), int64_t{2} << 30);
}

TEST(MemoryPlan, GrowsWithSizeAndBatchAndShrinksInStrips) {
  const MemoryPlanner planner(shapes_of(v1()), cpu_policy(false));
  const auto total = [&](int64_t pictures, int64_t side, bool strips) {
    return planner
        .plan(
            {.pictures = pictures, .height = side, .width = side, .guided = true, .encodes = false},
            strips)
        .total();
  };
  EXPECT_LT(total(1, 512, false), total(4, 512, false));
  EXPECT_LT(total(1, 512, false), total(1, 1024, false));
  EXPECT_LT(total(1, 2048, true), total(1, 2048, false) * 2 / 3);
  EXPECT_LT(total(1, 2048, true), int64_t{8} << 30);
}

ExecPolicy with_free(ExecPolicy policy, double gigabytes) {
  policy.free_bytes = static_cast<int64_t>(gigabytes * 1e9);
  return policy;
}

TEST(MemoryChoice, TakesTheFirstModeThatFits) {
  const ModelConfig config = v1();
  const ExecPolicy policy = cpu_policy(false);
  const Workload load;
  const auto chosen = [&](double gigabytes) {
    return choose_memory(shapes_of(config), with_free(policy, gigabytes), load);
  };
  EXPECT_EQ(chosen(100).memory, MemoryMode::kBalanced);
  EXPECT_TRUE(chosen(100).fits);
  EXPECT_EQ(chosen(3).memory, MemoryMode::kLow);
  EXPECT_TRUE(chosen(3).fits);
  EXPECT_EQ(memory_line(chosen(3), with_free(policy, 3)).find("memory: about "), 0U);
  EXPECT_NE(memory_line(chosen(3), with_free(policy, 3))
                .find("of 3.0 GB free; `memory` balanced would not fit"),
            std::string::npos);
  EXPECT_EQ(chosen(0.2).memory, MemoryMode::kLow);
  EXPECT_FALSE(chosen(0.2).fits);
  EXPECT_NE(memory_line(chosen(0.2), with_free(policy, 0.2)).find("`n_samples`"),
            std::string::npos);
}

ExecPolicy card_policy(at::ScalarType dtype = at::kHalf) {
  ExecPolicy policy;
  policy.device = at::Device("cuda");
  policy.dtype = policy.vae_dtype = dtype;
  return policy;
}

/// The reference's README command.
constexpr Workload kThreePictures{
    .pictures = 3, .height = 512, .width = 512, .guided = true, .encodes = false};

TEST(MemoryChoice, EachRungNeedsLessThanTheOneBefore) {
  const struct {
    bool in_strips;
    UNetShare share;
  } rungs[] = {{false, UNetShare::kAll},
               {true, UNetShare::kAll},
               {true, UNetShare::kPicture},
               {true, UNetShare::kHalf}};
  for (const ExecPolicy& policy : {card_policy(), card_policy(at::kFloat), cpu_policy(false)}) {
    const MemoryPlanner planner(shapes_of(v1()), policy);
    int64_t before = INT64_MAX;
    for (const auto& rung : rungs) {
      const MemoryPlan plan = planner.plan(kThreePictures, rung.in_strips, rung.share);
      int64_t all_stages = 0;
      for (const PlannedStage& stage : plan.stages) all_stages += plan.during(stage);
      EXPECT_LT(all_stages, before)
          << policy.device << (rung.in_strips ? " strips " : " whole ") << share_words(rung.share);
      before = all_stages;
    }
  }
}

TEST(MemoryChoice, GivesEachCardTheFirstRungThatFits) {
  const auto chosen = [&](double gigabytes, const Workload& load,
                          at::ScalarType dtype = at::kHalf) {
    return choose_memory(shapes_of(v1()), with_free(card_policy(dtype), gigabytes), load);
  };
  const auto expect = [](const MemoryChoice& choice, bool in_strips, UNetShare share, bool fits) {
    EXPECT_EQ(choice.plan.in_strips, in_strips);
    EXPECT_EQ(choice.plan.unet_share, share);
    EXPECT_EQ(choice.fits, fits);
  };
  for (const double card : {4, 6, 10}) {
    expect(chosen(card, kThreePictures), false, UNetShare::kAll, true);
  }
  expect(chosen(3.72, kThreePictures), true, UNetShare::kAll, true);
  expect(chosen(3.6, kThreePictures), true, UNetShare::kPicture, true);
  expect(chosen(3.3, kThreePictures), true, UNetShare::kHalf, false);
  Workload large = kThreePictures;
  large.height = large.width = 1024;
  expect(chosen(10, large), false, UNetShare::kAll, true);
  expect(chosen(6, large), false, UNetShare::kAll, true);
  expect(chosen(4, large), true, UNetShare::kPicture, true);
  expect(chosen(10, kThreePictures, at::kFloat), false, UNetShare::kAll, true);
  expect(chosen(4, kThreePictures, at::kFloat), true, UNetShare::kHalf, false);
  const std::string line = memory_line(chosen(4, large), with_free(card_policy(), 4));
  EXPECT_NE(line.find("(VAE in tiles, UNet on one picture at a time) of 4.0 GB free"),
            std::string::npos)
      << line;
}

/// Graphs hold the tensors of a call while the autoencoder works.
TEST(MemoryChoice, CountsWhatRecordingsHoldAndGivesThemUpWhereTheyDoNotFit) {
  ExecPolicy graphs = card_policy();
  graphs.cuda_graphs = true;
  const auto chosen = [&](double gigabytes, const Workload& load) {
    return choose_memory(shapes_of(v1()), with_free(graphs, gigabytes), load);
  };
  const MemoryPlan without =
      choose_memory(shapes_of(v1()), with_free(card_policy(), 10), kThreePictures).plan;
  EXPECT_EQ(without.recordings, 0);
  const MemoryChoice roomy = chosen(10, kThreePictures);
  ASSERT_TRUE(roomy.plan.keeps_recordings);
  EXPECT_EQ(roomy.plan.recordings, roomy.plan.stages.front().held);
  EXPECT_EQ(roomy.plan.total(), without.total() + roomy.plan.recordings);
  EXPECT_EQ(roomy.plan.during(roomy.plan.stages.front()), without.during(without.stages.front()));
  const MemoryChoice small = chosen(4, kThreePictures);
  EXPECT_FALSE(small.plan.keeps_recordings);
  EXPECT_FALSE(small.plan.in_strips);
  EXPECT_TRUE(small.fits);
  const auto plain = choose_memory(shapes_of(v1()), with_free(card_policy(), 4), kThreePictures);
  EXPECT_LT(std::abs(small.plan.total() - plain.plan.total()), 1 << 20);  // (some small tensors)
  EXPECT_NE(memory_line(small, with_free(graphs, 4))
                .find("graphs of the UNet captured again for each batch"),
            std::string::npos);
  Workload large = kThreePictures;
  large.height = large.width = 1024;
  EXPECT_TRUE(chosen(10, large).plan.keeps_recordings);
  EXPECT_FALSE(chosen(6, large).plan.keeps_recordings);
  EXPECT_EQ(chosen(6, large).plan.unet_share, UNetShare::kAll);
}

TEST(MemoryChoice, SplitsTheUNetOnTheCpuWhereTheLowestModeDoesNotSuffice) {
  Workload many = kThreePictures;
  many.pictures = 16;
  ExecPolicy policy = cpu_policy(false);
  ExecPolicy low = policy;
  low.kernels.memory = MemoryMode::kLow;
  const MemoryPlanner planner(shapes_of(v1()), low);
  const int64_t whole = planner.plan(many, true).total();
  const int64_t shared = planner.plan(many, true, UNetShare::kPicture).total();
  ASSERT_LT(shared, whole);
  policy.free_bytes = (whole + shared) / 2 + shared / 30;
  const MemoryChoice choice = choose_memory(shapes_of(v1()), policy, many);
  EXPECT_EQ(choice.memory, MemoryMode::kLow);
  EXPECT_EQ(choice.plan.unet_share, UNetShare::kPicture);
  EXPECT_TRUE(choice.fits);
}

TEST(MemoryPlan, ListsWhatIsThereInEachLayer) {
  const MemoryPlanner planner(shapes_of(v1()), card_policy());
  const MemoryPlan plan = planner.plan(kThreePictures, false);
  for (const PlannedStage& stage : plan.stages) {
    int64_t most = 0;
    std::set<std::string> names;
    for (const PlannedLayer& layer : stage.layers) {
      most = std::max(most, layer.tensors);
      EXPECT_TRUE(names.insert(layer.name).second) << layer.name;
      EXPECT_LE(layer.result, layer.tensors) << layer.name;
    }
    EXPECT_EQ(most, stage.tensors);
    EXPECT_TRUE(names.count(stage.layer)) << stage.layer;
  }
  const PlannedStage& sampling = plan.stages.front();
  ASSERT_EQ(sampling.stage, kSamplingStage);
  EXPECT_EQ(sampling.layers.size(), 28U);  // context, time_embed, 12 + 1 + 12 blocks, out
  EXPECT_EQ(sampling.layers[3].name, "input_blocks.1");
  EXPECT_EQ(sampling.layers[3].result, 6 * 320 * 64 * 64 * 2);
}

TEST(MemoryChoice, DecodesLargePicturesInTiles) {
  const ModelConfig config = v1();
  ExecPolicy policy = cpu_policy(false);
  policy.free_bytes = int64_t{1} << 40;
  const auto in_strips = [&](int64_t side) {
    return choose_memory(
               shapes_of(config), policy,
               {.pictures = 1, .height = side, .width = side, .guided = true, .encodes = false})
        .plan.in_strips;
  };
  EXPECT_FALSE(in_strips(512));
  EXPECT_FALSE(in_strips(1024));
  EXPECT_TRUE(in_strips(2048));
  policy.chosen.vae_tiling = VaeTiling::kOff;
  EXPECT_FALSE(in_strips(2048));
  policy.chosen.vae_tiling = VaeTiling::kOn;
  EXPECT_TRUE(in_strips(512));
}

}  // namespace
}  // namespace sd::test
