// What a UNet computes once: the context's keys and values for a run, and what guidance's two
// halves share for an evaluation.

#include "models/unet.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "models/random_checkpoint.h"
#include "models/unet_call.h"
#include "runtime/noise.h"
#include "sd/error.h"
#include "support/repeating_recorder.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

at::Tensor numbers(at::IntArrayRef shape, uint64_t seed) { return PhiloxNoise(seed).normal(shape); }

UNetConfig config(const std::vector<int64_t>& attention_resolutions) {
  const TempFolder folder;
  UNetConfig unet = read_model_config(write_config(folder, tiny_config())).unet;
  unet.attention_resolutions = attention_resolutions;
  return unet;
}

/// A UNet with the weights of the formula.
UNet unet(const UNetConfig& config, const KernelPolicy& kernels) {
  std::map<std::string, at::Tensor> tensors;
  const WeightView wanted(std::make_shared<const Checkpoint>("nothing", tensors));
  UNet(wanted, config, kernels);
  for (const auto& [name, shape] : wanted.report().missing()) {
    tensors[name] = at::empty(shape, at::kFloat);
    fill_by_formula(name, shape, tensors[name].mutable_data_ptr<float>());
  }
  return UNet(WeightView(std::make_shared<const Checkpoint>("a test's weights", tensors)), config,
              kernels);
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

TEST(UNetContext, IsSharedByPicturesAndByGuidancesHalves) {
  const c10::InferenceMode inference;
  for (const std::vector<int64_t>& attention : {std::vector<int64_t>{1, 2}, {2}}) {
    for (const bool plain : {true, false}) {
      const UNet network = unet(config(attention), {.plain = plain, .isa = probe_isa()});
      for (const int64_t n : {1, 3}) {
        const at::Tensor x = numbers({n, 4, 8, 16}, 1);
        const at::Tensor context = numbers({2 * n, 7, 32}, 2);
        const PreparedContext prepared = network.prepare(context);
        EXPECT_EQ(prepared.rows, 2 * n);
        const at::Tensor doubled = network(at::cat({x, x}), 400, prepared);
        EXPECT_LT(difference(network(x, 400, prepared), doubled), 1e-5);
        EXPECT_LT(difference(network(x, 400, context), doubled), 1e-5);
        // Each row by itself: row i of the context with row i mod n of x.
        for (int64_t i = 0; i < 2 * n; ++i) {
          const at::Tensor alone = network(x.narrow(0, i % n, 1), 400, context.narrow(0, i, 1));
          EXPECT_LT(difference(alone, doubled.narrow(0, i, 1)), 1e-5);
        }
      }
    }
  }
}

TEST(UNetContext, MustHaveAMultipleOfThePicturesRows) {
  const c10::InferenceMode inference;
  const UNet network = unet(config({1, 2}), {.isa = probe_isa()});
  EXPECT_THROW(network(numbers({2, 4, 8, 8}, 1), 5, numbers({3, 7, 32}, 2)), Error);
}

TEST(UNetCall, RecordedGivesWhatItGivesUnrecorded) {
  const c10::InferenceMode inference;
  const UNet network = unet(config({1, 2}), {.isa = probe_isa()});
  const UNet other = unet(config({2}), {.isa = probe_isa()});
  int recordings = 0, looks = 0;
  UNetCall call(repeating(&recordings));
  const auto check = [&](const UNet& of, int64_t side, double t, uint64_t seed) {
    const at::Tensor x = numbers({1, 4, side, 8}, seed);
    const PreparedContext context = of.prepare(numbers({2, 7, 32}, seed + 1));
    const at::Tensor eps = call(of, x, t, context, [&](const auto&, const auto&) { ++looks; });
    EXPECT_TRUE(at::equal(eps, of(x, t, context))) << side << " " << t;
  };
  check(network, 8, 981, 1);
  check(network, 8, 0.5, 3);  // another latent, time and context: the same recording
  EXPECT_EQ(recordings, 1);
  EXPECT_EQ(looks, 2);
  check(network, 16, 981, 5);
  EXPECT_EQ(recordings, 2);
  check(other, 8, 981, 7);
  EXPECT_EQ(recordings, 3);
}

TEST(UNetCall, GivesTheSameInShares) {
  const c10::InferenceMode inference;
  const UNet network = unet(config({1, 2}), {.isa = probe_isa()});
  const at::Tensor x = numbers({3, 4, 8, 8}, 1);
  for (const bool guided : {true, false}) {
    const PreparedContext context = network.prepare(numbers({guided ? 6 : 3, 7, 32}, 2));
    const at::Tensor whole = network(x, 500, context);
    for (const UNetShare share : {UNetShare::kAll, UNetShare::kPicture, UNetShare::kHalf}) {
      const auto parts = divided(context, 3, share);
      int calls = 0;
      UNetCall call(repeating(&calls));
      const at::Tensor eps = call(network, x, 500, parts, nullptr);
      ASSERT_EQ(eps.sizes(), whole.sizes());
      EXPECT_TRUE(at::allclose(eps, whole, 1e-4, 1e-5)) << (eps - whole).abs().max();
      EXPECT_EQ(calls, 1);  // all parts have one shape
      call.forget();
      EXPECT_TRUE(at::equal(call(network, x, 500, parts, nullptr), eps));
      EXPECT_EQ(calls, 2);
    }
  }
}

/// As on a card, with ATen's kernels.
constexpr KernelPolicy kJoined{.device = DeviceKind::kCuda};

TEST(UNetJoined, GivesWhatItsProductsGiveOneByOne) {
  const c10::InferenceMode inference;
  for (const bool scale_shift : {false, true}) {
    UNetConfig config = sd::test::config({1, 2});
    config.use_scale_shift_norm = scale_shift;
    const UNet joined = unet(config, kJoined), separate = unet(config, {.plain = true});
    EXPECT_TRUE(joined.embeds_ahead());
    EXPECT_FALSE(separate.embeds_ahead());
    for (const int64_t n : {1, 3}) {
      const at::Tensor x = numbers({n, 4, 8, 16}, 1), context = numbers({2 * n, 7, 32}, 2);
      const at::Tensor expected = separate(x, 400.5, context);
      EXPECT_LT(difference(joined(x, 400.5, context), expected),
                1e-6 * (1 + expected.abs().max().item<double>()));
    }
  }
}

TEST(UNetCall, EmbedsTimesAheadAsOneByOne) {
  const c10::InferenceMode inference;
  const UNet network = unet(config({1, 2}), kJoined), other = unet(config({2}), kJoined);
  int recordings = 0;
  for (const Recorder& recorder : {repeating(&recordings), Recorder()}) {
    UNetCall call(recorder);
    const auto check = [&](const UNet& of, double t) {
      const at::Tensor x = numbers({1, 4, 8, 8}, 1);
      const PreparedContext context = of.prepare(numbers({2, 7, 32}, 2));
      const at::Tensor expected = of(x, t, context);
      EXPECT_LT(difference(call(of, x, t, context, nullptr), expected),
                1e-6 * (1 + expected.abs().max().item<double>()))
          << t;
    };
    call.expect(network, {981, 500.5, 981, 1});
    for (const double t : {981.0, 1.0, 500.5, 77.0}) check(network, t);  // 77 comes unexpected
    check(other, 981);                                                   // has its own weights
    call.expect(other, {400});
    for (const double t : {400.0, 981.0}) check(other, t);
    call.expect(network, {});
    check(network, 981);
    call.forget();
    check(network, 500.5);
  }
}

TEST(UNetCall, ChangesNothingByExpectationsWhereProductsAreSeparate) {
  const c10::InferenceMode inference;
  const UNet network = unet(config({1, 2}), {.isa = probe_isa()});
  const at::Tensor x = numbers({1, 4, 8, 8}, 1);
  const PreparedContext context = network.prepare(numbers({2, 7, 32}, 2));
  UNetCall call{Recorder()};
  const at::Tensor before = call(network, x, 981, context, nullptr);
  call.expect(network, {981, 1});
  EXPECT_TRUE(at::equal(call(network, x, 981, context, nullptr), before));
}

TEST(UNetShare, GetsSmallerWhileThereIsSomethingToShare) {
  EXPECT_EQ(smaller_share(UNetShare::kAll, 3, true), UNetShare::kPicture);
  EXPECT_EQ(smaller_share(UNetShare::kPicture, 3, true), UNetShare::kHalf);
  EXPECT_EQ(smaller_share(UNetShare::kAll, 1, true), UNetShare::kHalf);
  EXPECT_EQ(smaller_share(UNetShare::kHalf, 3, true), UNetShare::kHalf);
  EXPECT_EQ(smaller_share(UNetShare::kPicture, 3, false), UNetShare::kPicture);
  EXPECT_EQ(smaller_share(UNetShare::kAll, 1, false), UNetShare::kAll);
}

}  // namespace
}  // namespace sd::test
