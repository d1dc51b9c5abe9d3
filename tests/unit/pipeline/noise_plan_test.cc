// Where the requests of a run draw: each picture of a run is the same drawn from its place alone.

#include "pipeline/noise_plan.h"

#include <gtest/gtest.h>

#include "pipeline/request_sampling.h"
#include "runtime/noise.h"
#include "sd/error.h"
#include "support/small_pipeline.h"

namespace sd::test {
using namespace pipeline;
using namespace runtime;
using namespace sampling;

namespace {

std::shared_ptr<const Image> image(int width, int height, uint8_t value) {
  auto made = std::make_shared<Image>(width, height);
  std::fill(made->rgb.begin(), made->rgb.end(), value);
  return made;
}

Request request(const char* sampler, int pictures, int width, RngKind rng) {
  Request made = small_request(pictures, 64);
  made.batch.width = width;
  made.batch.sampler = sampler;
  made.noise = {.rng = rng, .seeds = {9}, .rows = 3};
  return made;
}

/// Requests of the reference's samplers and of k-diffusion's, two sizes and batches that are not
/// full, and some of own streams.
std::vector<Request> requests(RngKind rng, bool from_pictures) {
  const auto first = image(64, 64, 10), second = image(128, 64, 200);
  std::vector<Request> all;
  for (const auto& [sampler, pictures, width] : {std::tuple{"plms", 3, 64},
                                                 {"ddim", 2, 128},
                                                 {"euler_a", 2, 64},
                                                 {"ddim", 3, 64},
                                                 {"heun", 1, 64},
                                                 {"plms", 1, 128}}) {
    all.push_back(request(sampler, pictures, width, rng));
  }
  all[1].batch.knobs.eta = 0.7;
  if (!from_pictures) all.insert(all.begin() + 2, request("dpm_solver", 2, 64, rng));
  for (const char* sampler : {"ddim", "euler_a", "dpmpp_2m_sde"}) {
    Request own = request(sampler, 2, 64, rng);
    own.noise.rows = 0;
    own.noise.seeds = {4, 5};
    all.insert(all.begin() + 1, own);
  }
  for (Request& each : all) {
    if (!from_pictures) continue;
    each.batch.init.image = each.batch.width == 64 ? first : second;
    each.batch.init.strength = 0.7;
  }
  return all;
}

std::vector<Picture> drawn(const Pipeline& pipeline, const Request& of) {
  std::vector<Picture> pictures;
  pipeline.start().generate(of, [&](Picture picture) { pictures.push_back(std::move(picture)); });
  return pictures;
}

/// A stream that follows a run, as a session had one: what each request would begin with.
class FollowedStream {
 public:
  explicit FollowedStream(RngKind rng) : stream_(make_noise_source(rng, 9)) {}

  void follow(const NoisePlace& place, const SamplingPlan& plan, at::IntArrayRef shape) {
    EXPECT_EQ(stream_->position(), place.start);
    stream_->normal(shape);
    EXPECT_EQ(stream_->position(), place.steps);
    for (int64_t i = 0; i < plan.sampler.draws(plan); ++i) stream_->normal(shape);
  }

 private:
  std::unique_ptr<NoiseSource> stream_;
};

class NoisePlans : public ::testing::TestWithParam<std::tuple<RngKind, bool, bool>> {};

TEST_P(NoisePlans, LetAnyPictureBeDrawnAlone) {
  const auto [rng, fixed_code, from_pictures] = GetParam();
  ModelOnDisk model;
  const Pipeline pipeline = Pipeline::load(model.options, cpu_policy(false));
  NoisePlan plan(pipeline.description(), fixed_code);
  for (Request each : requests(rng, from_pictures)) {
    plan.place(&each);
    const std::vector<Picture> expected = drawn(pipeline, each);
    ASSERT_EQ(expected.size(), each.pictures.size());
    // From its record alone, as a replay does, and only the last row.
    Request again = each;
    const int64_t row = std::ssize(expected) - 1;
    const DrawRecord record = expected.back().draw;
    again.noise = place_of(pipeline.description(), each.batch, record, rng, !each.noise.shared());
    if (each.noise.shared()) {
      EXPECT_EQ(again.noise, each.noise);
    }
    again.keep = {row};
    const std::vector<Picture> pictures = drawn(pipeline, again);
    ASSERT_EQ(pictures.size(), 1U);
    EXPECT_EQ(pictures[0].image, expected.back().image) << each.batch.sampler;
    EXPECT_EQ(pictures[0].draw.row, row);
  }
}

INSTANTIATE_TEST_SUITE_P(Streams, NoisePlans,
                         ::testing::Combine(::testing::Values(RngKind::kCuda, RngKind::kCpu,
                                                              RngKind::kNv, RngKind::kNumpy),
                                            ::testing::Bool(), ::testing::Bool()));

TEST(NoisePlan, FollowsAStreamThatAllBatchesShare) {
  const ModelDescription model;
  for (const RngKind rng : {RngKind::kCuda, RngKind::kCpu, RngKind::kNv, RngKind::kNumpy}) {
    NoisePlan plan(model, /*fixed_code=*/false);
    FollowedStream stream(rng);
    for (Request each : requests(rng, false)) {
      plan.place(&each);
      if (!each.noise.shared()) continue;
      stream.follow(each.noise, plan_of(model, each), {3, 4, 8, each.batch.width / 8});
    }
  }
}

TEST(NoisePlan, PutsAFixedCodeBeforeTheFirstBatch) {
  NoisePlan plan(ModelDescription{}, /*fixed_code=*/true);
  Request one = request("ddim", 4, 64, RngKind::kCuda), two = one;
  plan.place(&one);
  plan.place(&two);
  EXPECT_EQ(one.noise.start, 0U);
  EXPECT_EQ(one.noise.steps, 1U);
  EXPECT_EQ(two.noise.start, 0U);
  EXPECT_EQ(two.noise.steps, 5U);  // four steps of one draw
}

TEST(NoisePlan, RefusesASharedStreamWhereDrawsCannotBeCounted) {
  for (const char* sampler : {"dpm_adaptive", "dpmpp_sde"}) {
    const Request each = request(sampler, 1, 64, RngKind::kCuda);
    EXPECT_THROW(check_request(ModelDescription{}, each), Error) << sampler;
  }
}

TEST(DrawLength, IsHowFarADrawTakesAStream) {
  for (const RngKind kind : {RngKind::kCuda, RngKind::kCpu, RngKind::kNv, RngKind::kNumpy}) {
    const auto noise = make_noise_source(kind, 3);
    for (const int64_t values : {16, 40, 4096, 221184, 221185, 884736, 884737, 2000000}) {
      const uint64_t before = noise->position();
      noise->normal({values});
      EXPECT_EQ(noise->position() - before, draw_length(kind, values)) << values;
    }
  }
}

TEST(TorchCpuNoise, SeeksAheadAndBack) {
  const auto straight = make_noise_source(RngKind::kCpu, 3),
             jumping = make_noise_source(RngKind::kCpu, 3);
  const at::Tensor first = straight->normal({48}), second = straight->normal({64});
  jumping->seek(48);
  EXPECT_TRUE(at::equal(jumping->normal({64}), second));
  jumping->seek(0);
  EXPECT_TRUE(at::equal(jumping->normal({48}), first));
  EXPECT_TRUE(at::equal(jumping->normal({64}), second));
}

}  // namespace
}  // namespace sd::test
