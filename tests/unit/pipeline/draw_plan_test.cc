// Where the requests of a run draw, told ahead, beside where a session draws them.

#include "pipeline/draw_plan.h"

#include <gtest/gtest.h>

#include "runtime/noise.h"
#include "support/small_pipeline.h"

namespace sd::test {
namespace {

std::shared_ptr<const Image> image(int width, int height, uint8_t value) {
  auto made = std::make_shared<Image>(width, height);
  std::fill(made->rgb.begin(), made->rgb.end(), value);
  return made;
}

Request request(const char* sampler, int pictures, int width) {
  Request made = small_request(pictures, 64);
  made.batch.width = width;
  made.batch.sampler = sampler;
  made.noise_rows = 3;
  return made;
}

/// Requests of every sampler, two sizes and batches that are not full, and one of own streams.
std::vector<Request> requests(bool fixed_code, bool from_pictures) {
  const auto first = image(64, 64, 10), second = image(128, 64, 200);
  std::vector<Request> all = {request("plms", 3, 64), request("ddim", 2, 128),
                              request("ddim", 3, 64), request("plms", 1, 128)};
  all[1].batch.eta = 0.7;
  if (!from_pictures) all.insert(all.begin() + 2, request("dpm_solver", 2, 64));
  Request own = request("ddim", 2, 64);
  own.noise_rows = 0;
  own.seeds = {4, 5};
  all.insert(all.begin() + 1, own);
  for (Request& each : all) {
    each.fixed_code = fixed_code && each.seeds.empty();
    if (!from_pictures) continue;
    each.batch.init.image = each.batch.width == 64 ? first : second;
    each.batch.init.strength = 0.7;
  }
  return all;
}

std::vector<Picture> drawn(Session* session, const Request& of) {
  std::vector<Picture> pictures;
  session->generate(of, [&](Picture picture) { pictures.push_back(std::move(picture)); });
  return pictures;
}

class DrawPlans : public ::testing::TestWithParam<std::tuple<RngKind, bool, bool>> {};

TEST_P(DrawPlans, SayWhereASessionDraws) {
  const auto [rng, fixed_code, from_pictures] = GetParam();
  ModelOnDisk model;
  model.options.init_images = true;
  const Pipeline pipeline = Pipeline::load(model.options, cpu_policy(false));
  Session one = pipeline.start(rng, 9);
  // Two that share the batches, each beginning where it must.
  std::vector<Session> two;
  two.push_back(pipeline.start(rng, 9));
  two.push_back(pipeline.start(rng, 9));
  DrawPlan plan(pipeline.description(), rng);
  size_t turn = 0;
  for (Request each : requests(fixed_code, from_pictures)) {
    const std::vector<Picture> expected = drawn(&one, each);
    each.draws_at = plan.next(each);
    EXPECT_EQ(each.draws_at.has_value(), each.seeds.empty());
    const std::vector<Picture> pictures = drawn(&two[turn++ / 2 % 2], each);
    ASSERT_EQ(pictures.size(), expected.size());
    for (size_t i = 0; i < pictures.size(); ++i) {
      EXPECT_EQ(pictures[i].image, expected[i].image) << each.batch.sampler << " " << turn;
      EXPECT_EQ(pictures[i].draw.offset, expected[i].draw.offset);
      EXPECT_EQ(pictures[i].draw.code_offset, expected[i].draw.code_offset);
      EXPECT_EQ(pictures[i].draw.latent_offset, expected[i].draw.latent_offset);
      EXPECT_EQ(pictures[i].draw.noise_rows, expected[i].draw.noise_rows);
      EXPECT_EQ(pictures[i].draw.seed, expected[i].draw.seed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Streams, DrawPlans,
                         ::testing::Combine(::testing::Values(RngKind::kCuda, RngKind::kCpu),
                                            ::testing::Bool(), ::testing::Bool()));

TEST(DrawLength, IsHowFarADrawTakesAStream) {
  for (const RngKind kind : {RngKind::kCuda, RngKind::kCpu}) {
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
