// Runs whose memory does not suffice for what they try first.

#include "pipeline/memory_ladder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "models/memory_plan.h"
#include "pipeline/request_load.h"
#include "runtime/out_of_memory.h"
#include "support/cpu_tensor_meter.h"
#include "support/small_pipeline.h"

namespace sd::test {
using namespace models;
using namespace pipeline;
using namespace runtime;

namespace {

constexpr int kSide = 128;
constexpr int64_t kEnough = std::numeric_limits<int64_t>::max();

/// What a run gave, and the most that its tensors had in each stage beyond those from before it.
struct Outcome {
  at::Tensor latent;
  at::Tensor image;
  std::vector<DrawRecord> draws;
  std::map<Stage, int64_t> most;
  std::string said;
};

/// How memory becomes scarce when a stage begins.
struct Scarcity {
  Stage stage = Stage::kLoad;
  int64_t limit = kEnough;  ///< of its tensors' bytes
  int failures = 0;         ///< so often a large tensor is not given
};

/// Draws two batches.
Outcome draw(const Pipeline& pipeline, const Request& request, const Scarcity& scarcity = {}) {
  CpuTensorMeter& meter = CpuTensorMeter::install();
  Session session = pipeline.start();
  Outcome run;
  session.set_tap([&](const std::string& name, const at::Tensor& tensor) {
    if (name == "latent") run.latent = tensor.clone();
    if (name == "image") run.image = tensor.clone();
  });
  const int64_t before = meter.live();
  Stage now = Stage::kText;
  int failures = scarcity.failures;
  double last_seconds = 0;
  const auto progress = [&](const ProgressEvent& event) {
    run.most[now] = std::max(run.most[now], meter.peak() - before);
    const bool begins = event.stage != now || (event.step == 0 && event.seconds < last_seconds);
    last_seconds = event.seconds;
    if (begins) {
      meter.restart();
      now = event.stage;
      const bool scarce = now == scarcity.stage;
      meter.set_limit(scarce && scarcity.limit < kEnough ? before + scarcity.limit : kEnough);
      if (scarce && failures-- > 0) meter.fail_once_at(int64_t{1} << 18);
    }
    return true;
  };
  ::testing::internal::CaptureStderr();
  try {
    for (int batch = 0; batch < 2; ++batch) {
      session.generate(
          request, [&](const Picture& picture) { run.draws.push_back(picture.draw); }, progress);
    }
  } catch (...) {
    meter.set_limit(kEnough);
    ::testing::internal::GetCapturedStderr();
    throw;
  }
  meter.set_limit(kEnough);
  run.said = ::testing::internal::GetCapturedStderr();
  return run;
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_LT(relative_error(a.latent, b.latent), 1e-4);
  EXPECT_LT(relative_error(a.image, b.image), 1e-4);
  ASSERT_EQ(a.draws.size(), b.draws.size());
  for (size_t i = 0; i < a.draws.size(); ++i) EXPECT_EQ(a.draws[i].offset, b.draws[i].offset);
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class ScarceMemory : public ::testing::Test {
 protected:
  ScarceMemory() : model_(medium_config()) {
    CpuTensorMeter::install();
    request_ = small_request(3, kSide);
    for (size_t i = 0; i < 3; ++i) request_.pictures[i].prompt = std::string("a ") + "xyz"[i];
    request_.batch.knobs.eta = 0.5;  // so that each step draws
  }

  ModelOnDisk model_;
  Request request_;
};

TEST_F(ScarceMemory, InTheUNetLeadsToSmallerSharesAndTheSamePictures) {
  const Pipeline pipeline = Pipeline::load(model_.options, cpu_policy(true));
  const Outcome free_run = draw(pipeline, request_);
  const Outcome once =
      draw(pipeline, request_,
           {.stage = Stage::kSample, .limit = free_run.most.at(Stage::kSample) - 1, .failures = 0});
  expect_same(once, free_run);
  EXPECT_EQ(count(once.said,
                  "memory: not enough for the UNet; the batch is drawn again, UNet on "
                  "one picture at a time"),
            1)
      << once.said;  // of two batches: the second starts on the rung that sufficed
  EXPECT_EQ(count(once.said, "memory: "), 1) << once.said;
  EXPECT_LT(once.most.at(Stage::kSample), free_run.most.at(Stage::kSample));

  const Outcome twice =
      draw(pipeline, request_, {.stage = Stage::kSample, .limit = kEnough, .failures = 2});
  expect_same(twice, free_run);
  EXPECT_EQ(count(twice.said, "memory: "), 2) << twice.said;
  EXPECT_EQ(count(twice.said, "UNet on half a picture's guidance at a time"), 1) << twice.said;
}

TEST_F(ScarceMemory, InTheAutoencoderLeadsToStripsAndTheSamePictures) {
  const Pipeline pipeline = Pipeline::load(model_.options, cpu_policy(true));
  const Outcome free_run = draw(pipeline, request_);
  const Outcome scarce =
      draw(pipeline, request_, {.stage = Stage::kDecode, .limit = kEnough, .failures = 1});
  expect_same(scarce, free_run);
  EXPECT_EQ(count(scarce.said,
                  "memory: not enough to decode the picture as a whole; it is decoded "
                  "in tiles"),
            1)
      << scarce.said;

  request_.batch.init.image = std::make_shared<const Image>(kSide, kSide);
  const Outcome from_picture = draw(pipeline, request_);
  const Outcome scarce_start =
      draw(pipeline, request_, {.stage = Stage::kEncode, .limit = kEnough, .failures = 1});
  expect_same(scarce_start, from_picture);
  EXPECT_EQ(count(scarce_start.said, "memory: not enough to encode"), 1) << scarce_start.said;
}

TEST_F(ScarceMemory, ThatSufficesForNothingIsSaidByTheErrorItself) {
  const Pipeline pipeline = Pipeline::load(model_.options, cpu_policy(true));
  EXPECT_THROW(draw(pipeline, request_, {.stage = Stage::kSample, .limit = 1 << 20, .failures = 0}),
               c10::OutOfMemoryError);
}

TEST_F(ScarceMemory, IsPlannedForWhereItIsKnown) {
  const Outcome free_run = draw(Pipeline::load(model_.options, cpu_policy(true)), request_);
  ExecPolicy policy = cpu_policy(true);
  policy.free_bytes = 1;
  const Pipeline pipeline = Pipeline::load(model_.options, policy);
  const Outcome scarce = draw(pipeline, request_);
  expect_same(scarce, free_run);
  EXPECT_EQ(count(scarce.said, "memory: "), 0) << scarce.said;
  EXPECT_LT(scarce.most.at(Stage::kSample), free_run.most.at(Stage::kSample));
}

TEST_F(ScarceMemory, IsPlannedForBeforeASecondPassEncodes) {
  Request request = small_request(1, 64);
  request.noise = {.rng = RngKind::kCuda, .seeds = {7}, .rows = 0};
  request.batch.hires.scale = 4;
  request.batch.hires.upscaler = HiresUpscaler::kLanczos;
  const Scarcity once = {.stage = Stage::kEncode, .limit = kEnough, .failures = 1};
  const Pipeline roomy = Pipeline::load(model_.options, cpu_policy(true));
  EXPECT_EQ(count(draw(roomy, request, once).said, "memory: not enough to decode"), 1);

  // So much that the first pass fits as a whole, and not the second's autoencoder.
  const MemoryPlanner planner(open_model(model_.options.model), cpu_policy(true));
  const std::vector<Workload> loads = loads_of(roomy.description(), request);
  const MemoryPlan first = planner.plan(loads[0], /*in_strips=*/false);
  const MemoryPlan second = planner.plan(loads[1], /*in_strips=*/false);
  constexpr double kShare = 0.97;  // of what is free, which is planned for
  const int64_t limit = first.total() + (1 << 20);
  for (const PlannedStage& stage : second.stages) {
    if (stage.stage == kSamplingStage) continue;
    ASSERT_GT(second.during(stage), limit) << stage.stage;
  }
  ExecPolicy policy = cpu_policy(true);
  policy.free_bytes = static_cast<int64_t>(static_cast<double>(limit) / kShare);
  // In tiles there is no way to work on less.
  EXPECT_THROW(draw(Pipeline::load(model_.options, policy), request, once), c10::OutOfMemoryError);
}

/// A ladder on the processor beside recordings that are there once.
class CodersLadder : public ::testing::Test {
 protected:
  CodersLadder()
      : source_(open_model(model_.options.model)),
        planner_(source_, policy_),
        ladder_(planner_, policy_, source_, [this] { return std::exchange(recordings_, false); }) {}

  /// Works so often without finding memory; notes whether there were recordings and strips.
  at::Tensor work(int failures) {
    return ladder_.run_coder("decode", [this, failures]() mutable {
      tried_.emplace_back(recordings_, ladder_.in_strips());
      if (static_cast<int>(tried_.size()) <= failures) {
        TORCH_CHECK_WITH(OutOfMemoryError, false, "none left");
      }
      return at::ones({1});
    });
  }

  static ExecPolicy with_graphs() {
    ExecPolicy policy = cpu_policy(true);
    policy.cuda_graphs = true;
    return policy;
  }

  ModelOnDisk model_;
  ExecPolicy policy_ = with_graphs();
  ModelSource source_;
  MemoryPlanner planner_;
  bool recordings_ = true;
  std::vector<std::pair<bool, bool>> tried_;
  MemoryLadder ladder_;
};

TEST_F(CodersLadder, GivesRecordingsUpBeforeItGoesToStrips) {
  EXPECT_TRUE(work(2).defined());
  using Tries = std::vector<std::pair<bool, bool>>;
  EXPECT_EQ(tried_, (Tries{{true, false}, {false, false}, {false, true}}));
  tried_.clear();
  recordings_ = true;
  EXPECT_TRUE(work(0).defined());  // of the next batch: what failed once is not tried again
  EXPECT_EQ(tried_, (Tries{{false, true}}));
}

TEST_F(CodersLadder, ThrowsWhereStripsDoNotSufficeEither) {
  EXPECT_THROW(work(3), c10::OutOfMemoryError);
  EXPECT_EQ(tried_.size(), 3U);
}

TEST_F(CodersLadder, KeepsRecordingsWhereMemorySuffices) {
  EXPECT_TRUE(work(0).defined());
  EXPECT_TRUE(recordings_);
  policy_.free_bytes = 1;  // the plan knows
  ladder_.plan({.pictures = 1, .height = 64, .width = 64, .guided = true, .encodes = false});
  tried_.clear();
  EXPECT_TRUE(work(0).defined());
  EXPECT_FALSE(tried_.front().first);
}

TEST(OutOfMemory, IsToldFromOtherErrors) {
  const auto is_one = [](const auto& work) {
    try {
      work();
    } catch (const std::exception& error) {
      return is_out_of_memory(error);
    }
    return false;
  };
  EXPECT_TRUE(is_one([] { throw std::bad_alloc(); }));
  EXPECT_TRUE(is_one([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory."); }));
  for (const char* words :
       {"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
        "GET was unable to find an engine to execute this computation",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"}) {
    EXPECT_TRUE(is_one([&] { TORCH_CHECK(false, words); })) << words;
  }
  const auto cuda = [](int code, const char* words) {
    throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, code, words);
  };
  EXPECT_TRUE(is_one([&] { cuda(2, "CUDA error: in words of its own"); }));
  EXPECT_FALSE(is_one([&] { cuda(700, "CUDA error: an address; cannot allocate memory"); }));
  EXPECT_TRUE(is_one([] { at::empty({int64_t{1} << 60}); }));
  EXPECT_FALSE(is_one([] { TORCH_CHECK(false, "shapes differ"); }));
  EXPECT_FALSE(is_one([] { throw std::runtime_error("out of luck"); }));
}

}  // namespace
}  // namespace sd::test
