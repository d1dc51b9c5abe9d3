#include "runtime/noise.h"

#include <gtest/gtest.h>

#include "runtime/numpy_noise.h"
#include "support/expect_error.h"

namespace sd {
using namespace runtime;

namespace {

std::vector<float> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

TEST(PhiloxNoise, GivesTheKnownValuesOfSeedZero) {
  // torch.manual_seed(0); torch.randn(12, device="cuda")
  const std::vector<float> expected = {-0.92466259f, -0.42534415f, -2.6438457f,  0.14518388f,
                                       -0.12086647f, -0.57972564f, -0.62285122f, -0.32838709f,
                                       -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f};
  PhiloxNoise noise(0);
  const auto drawn = values(noise.normal({12}));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(drawn[i], expected[i], 2e-6) << i;
}

TEST(PhiloxNoise, AValueDependsOnlyOnCallAndPlace) {
  PhiloxNoise first(7);
  PhiloxNoise second(7);
  first.normal({3, 4});
  second.normal({100});
  EXPECT_EQ(first.position(), 1u);
  const auto small = values(first.normal({2, 3}));
  const auto large = values(second.normal({50}));
  for (size_t i = 0; i < small.size(); ++i) EXPECT_EQ(small[i], large[i]);
}

TEST(PhiloxNoise, TheHighHalfOfTheSeedCounts) {
  PhiloxNoise low(5);
  PhiloxNoise high(5 + (uint64_t{1} << 32));
  EXPECT_NE(values(low.normal({4})), values(high.normal({4})));
}

TEST(PhiloxNoise, MoreValuesThanThreadsFollowTheCardsLayout) {
  // With T resident threads, thread i makes the values i, i+T, i+2T and i+3T of a round, the first
  // as in the simple case; a second round uses the next counter.
  constexpr int64_t kThreads = 8;
  PhiloxNoise wrapped(3, kThreads);
  PhiloxNoise simple(3);
  const auto many = values(wrapped.normal({40}));
  EXPECT_EQ(wrapped.position(), 2u);
  const auto round0 = values(simple.normal({kThreads}));
  const auto round1 = values(simple.normal({kThreads}));
  for (size_t i = 0; i < kThreads; ++i) {
    EXPECT_EQ(many[i], round0[i]);
    EXPECT_EQ(many[32 + i], round1[i]);
  }
  for (size_t i = 0; i < kThreads; ++i) EXPECT_NE(many[i], many[i + kThreads]);
}

TEST(PhiloxNoise, IsStandardNormal) {
  PhiloxNoise noise(42);
  const at::Tensor drawn = noise.normal({200000});
  EXPECT_NEAR(drawn.mean().item<float>(), 0, 0.01);
  EXPECT_NEAR(drawn.std().item<float>(), 1, 0.01);
}

TEST(TorchCpuNoise, IsTorchsOwnStream) {
  // torch.manual_seed(42); torch.randn(2, 8): first four values
  TorchCpuNoise noise(42);
  const auto drawn = values(noise.normal({2, 8}));
  const std::vector<float> expected = {1.9269152880f, 1.4872840643f, 0.9007171988f, -2.1055209637f};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(drawn[i], expected[i], 1e-6);
}

TEST(NumpyNoise, BeginsAsRandomStateAndGoesOnAsCuda) {
  // numpy.random.RandomState(3).randn(1, 4, 16, 16).astype("float32")
  NumpyNoise noise(3);
  const at::Tensor first = noise.normal({1, 4, 16, 16});
  const std::vector<float> expected = {1.7886284589767456F,   0.4365098476409912F,
                                       0.09649746865034103F,  -1.863492727279663F,
                                       -0.27738821506500244F, -0.35475897789001465F};
  const auto drawn = values(first);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(drawn[i], expected[i]) << i;
  EXPECT_EQ(drawn.back(), 0.041533478F);
  EXPECT_NEAR(first.sum().item<double>(), 15.806624, 1e-4);
  PhiloxNoise cuda(3);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(values(noise.normal({4, 5})), values(cuda.normal({4, 5})));
  noise.seek(0);
  EXPECT_EQ(values(noise.normal({1, 4, 16, 16})), drawn);
}

TEST(NumpyNoise, TakesSeedsAsNumpy) {
  NumpyNoise(0xFFFFFFFF).normal({2});
  test::expect_error(ErrorKind::kUsage, "below 2^32", [] { NumpyNoise(0x100000000); });
}

const std::vector<std::vector<int64_t>> kShapes = {
    {16}, {4, 5}, {1, 4, 8, 8}, {3, 7}, {2, 4, 3, 5}};

TEST(NoiseSource, GoesBackToAPositionThatItHad) {
  for (const RngKind kind : {RngKind::kCuda, RngKind::kCpu, RngKind::kNumpy}) {
    const auto stream = make_noise_source(kind, 42);
    EXPECT_EQ(stream->position(), 0U);
    std::vector<uint64_t> positions;
    std::vector<std::vector<float>> drawn;
    for (const auto& shape : kShapes) {
      positions.push_back(stream->position());
      drawn.push_back(values(stream->normal(shape)));
    }
    for (const size_t i : {4, 0, 2, 3, 1}) {
      stream->seek(positions[i]);
      EXPECT_EQ(stream->position(), positions[i]);
      EXPECT_EQ(values(stream->normal(kShapes[i])), drawn[i]) << i;
      const auto fresh = make_noise_source(kind, 42);
      fresh->seek(positions[i]);
      EXPECT_EQ(values(fresh->normal(kShapes[i])), drawn[i]) << i;
      EXPECT_EQ(fresh->position(), stream->position());
    }
  }
}

TEST(NoiseSource, GoesOnAfterASeekAsItWouldHave) {
  for (const RngKind kind : {RngKind::kCuda, RngKind::kCpu}) {
    const auto straight = make_noise_source(kind, 7);
    for (const auto& shape : kShapes) straight->normal(shape);
    const uint64_t position = straight->position();
    const auto next = values(straight->normal({4, 5}));
    const auto after = values(straight->normal({3, 7}));
    const auto jumped = make_noise_source(kind, 7);
    jumped->normal({100});
    jumped->seek(position);
    EXPECT_EQ(values(jumped->normal({4, 5})), next);
    EXPECT_EQ(values(jumped->normal({3, 7})), after);
    EXPECT_EQ(jumped->position(), straight->position());
  }
}

TEST(TorchCpuNoise, CountsTheOutputsOfItsGenerator) {
  TorchCpuNoise noise(3);
  noise.normal({2, 8});
  EXPECT_EQ(noise.position(), 16U);
  noise.normal({17});  // the last sixteen are drawn once more
  EXPECT_EQ(noise.position(), 16U + 33U);
  noise.normal({1, 4, 64, 64});
  EXPECT_EQ(noise.position(), 16U + 33U + 16384U);
}

TEST(RowsOfNoise, HasInEveryRowTheStreamOfItsSeed) {
  const std::vector<uint64_t> seeds = {5, UINT64_MAX, 0};
  for (const RngKind kind : {RngKind::kCuda, RngKind::kCpu}) {
    RowsOfNoise rows(kind, seeds);
    std::vector<std::unique_ptr<NoiseSource>> alone;
    for (const uint64_t seed : seeds) alone.push_back(make_noise_source(kind, seed));
    uint64_t second = 0;
    std::vector<float> again;
    for (int call = 0; call < 3; ++call) {
      if (call == 1) second = rows.position();
      const at::Tensor drawn = rows.normal({3, 4, 3, 5});
      ASSERT_EQ(drawn.sizes(), at::IntArrayRef({3, 4, 3, 5}));
      for (int64_t i = 0; i < 3; ++i) {
        const at::Tensor row = alone[static_cast<size_t>(i)]->normal({1, 4, 3, 5});
        EXPECT_EQ(values(drawn.narrow(0, i, 1)), values(row)) << "row " << i << ", call " << call;
      }
      EXPECT_EQ(rows.position(), alone[0]->position());
      if (call == 1) again = values(drawn);
    }
    rows.seek(second);
    EXPECT_EQ(values(rows.normal({3, 4, 3, 5})), again);
  }
}

TEST(RowsOfNoise, HasNoOtherNumberOfRows) {
  RowsOfNoise rows(RngKind::kCuda, {1, 2});
  EXPECT_THROW(rows.normal({3, 4}), c10::Error);
  EXPECT_THROW(rows.normal({1, 4}), c10::Error);
}

}  // namespace
}  // namespace sd
