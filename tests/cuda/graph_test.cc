// CUDA graphs against plain calls, and our random numbers against the card's own generator's.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cuda/card.h"
#include "runtime/captured_fn.h"
#include "runtime/card_memory.h"
#include "runtime/noise.h"

namespace sd::test {
using namespace runtime;

namespace {

/// A small network with a convolution, a product and attention, and its weights.
class Network {
 public:
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& keys) const {
    const at::Tensor h = at::silu(at::conv2d(x, conv_, {}, 1, 1));
    const at::Tensor q = at::linear(h.flatten(2).transpose(1, 2), linear_).unsqueeze(1);
    const at::Tensor k = keys.unsqueeze(1);
    return at::scaled_dot_product_attention(q, k, k).squeeze(1);
  }

 private:
  at::Tensor conv_ = (random({32, 4, 3, 3}, 1) / 6).to(kCard).to(at::kHalf);
  at::Tensor linear_ = (random({32, 32}, 2) / 6).to(kCard).to(at::kHalf);
};

at::Tensor half(at::IntArrayRef shape, uint64_t seed) {
  return random(shape, seed).to(kCard).to(at::kHalf);
}

TEST(CudaGraph, GivesWhatPlainCallsGive) {
  SD_NEEDS_CARD();
  const Network network;
  CapturedFn captured(
      [&](const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& held) {
        return network(inputs[0], held[0]);
      },
      cuda_graph_recorder(kCard));
  for (const int64_t side : {16, 8, 16}) {
    const at::Tensor keys = half({2, 77, 32}, 10 + static_cast<uint64_t>(side));
    for (uint64_t seed = 20; seed < 23; ++seed) {
      const at::Tensor x = half({2, 4, side, side}, seed);
      EXPECT_LE(difference(captured({x}, {keys}), network(x, keys)), 1e-3) << side << " " << seed;
    }
  }
  EXPECT_EQ(captured.size(), 2U) << "nothing was recorded";
}

TEST(CudaGraph, ResultsOutliveTheNextReplay) {
  SD_NEEDS_CARD();
  CapturedFn captured([](const std::vector<at::Tensor>& inputs,
                         const std::vector<at::Tensor>&) { return inputs[0] * 2; },
                      cuda_graph_recorder(kCard));
  const at::Tensor first = captured({half({4}, 1)});
  const at::Tensor second = captured({half({4}, 2)});
  EXPECT_TRUE(at::equal(first, half({4}, 1) * 2));
  EXPECT_TRUE(at::equal(second, half({4}, 2) * 2));
}

TEST(CudaGraph, WorkThatWaitsForTheCardIsLeftUnrecorded) {
  SD_NEEDS_CARD();
  CapturedFn captured(
      [](const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>&) {
        return inputs[0] * inputs[0].max().item<double>();  // reads a result back
      },
      cuda_graph_recorder(kCard));
  const at::Tensor x = half({4}, 1);
  EXPECT_TRUE(at::equal(captured({x}), x * x.max().item<double>()));
  EXPECT_EQ(captured.size(), 0U);
  EXPECT_TRUE(at::equal(x + x, x * 2)) << "the stream still records";
  // Allocator and generator are as before, and others can be recorded.
  EXPECT_NO_THROW(give_kept_card_memory_back());
  EXPECT_NO_THROW(at::randn({5}, x.options()));
  CapturedFn doubled([](const std::vector<at::Tensor>& inputs,
                        const std::vector<at::Tensor>&) { return inputs[0] * 2; },
                     cuda_graph_recorder(kCard));
  EXPECT_TRUE(at::equal(doubled({x}), x * 2));
  EXPECT_EQ(doubled.size(), 1U);
}

TEST(CudaGraph, RecordsAgainOnceTheFirstRecordingsAreGone) {
  SD_NEEDS_CARD();
  const Recorder recorder = cuda_graph_recorder(kCard);
  for (uint64_t seed = 1; seed < 4; ++seed) {
    CapturedFn captured([](const std::vector<at::Tensor>& inputs,
                           const std::vector<at::Tensor>&) { return inputs[0] * 2; },
                        recorder);
    const at::Tensor x = half({4}, seed);
    EXPECT_TRUE(at::equal(captured({x}), x * 2));
    EXPECT_EQ(captured.size(), 1U) << "recording " << seed;
  }
}

/// The card's generator takes Box-Muller's sine and cosine by __sincosf, whose error is at most
/// 2^-21.19 up to pi ("CUDA C++ Programming Guide", intrinsic functions) and not promised up to the
/// 2 pi that it is given: there the argument's own rounding adds as much again. Both are multiplied
/// by a radius of up to sqrt(-2 ln 2^-33) = 6.8: 6e-6, and twice that for what is not promised; the
/// radius's own last bits add 2e-6.
constexpr double kSineOfTheCard = 1.5e-5;

TEST(CudaNoise, IsThatOfTheCardsGeneratorButForItsSine) {
  SD_NEEDS_CARD();
  const at::Generator generator = at::globalContext().defaultGenerator(kCard);
  for (const uint64_t seed : {uint64_t{42}, uint64_t{1} << 40}) {
    at::Generator card = generator;
    card.set_current_seed(seed);
    PhiloxNoise ours(seed);
    for (const auto& shape : std::vector<std::vector<int64_t>>{{3, 4, 64, 64}, {1, 4, 8, 8}, {5}}) {
      const at::Tensor theirs = at::randn(shape, card, at::TensorOptions(at::kFloat).device(kCard));
      EXPECT_LE(difference(ours.normal(shape), theirs), kSineOfTheCard) << shape;
    }
  }
}

}  // namespace
}  // namespace sd::test
