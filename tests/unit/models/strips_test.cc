// The autoencoder in strips beside the autoencoder as a whole.

#include "models/strips.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "models/autoencoder.h"
#include "models/random_checkpoint.h"
#include "runtime/noise.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

at::Tensor numbers(at::IntArrayRef shape, uint64_t seed) { return PhiloxNoise(seed).normal(shape); }

/// Weights of the formula, but for norms that do something to each channel.
Autoencoder autoencoder(const AutoencoderConfig& config, const KernelPolicy& kernels) {
  std::map<std::string, at::Tensor> tensors;
  const WeightView wanted(std::make_shared<const Checkpoint>("nothing", tensors));
  Autoencoder(wanted, config, CoderParts::kBoth, kernels);
  for (const auto& [name, shape] : wanted.report().missing()) {
    tensors[name] = at::empty(shape, at::kFloat);
    fill_by_formula(name, shape, tensors[name].mutable_data_ptr<float>());
    if (shape.size() == 1) tensors[name].add_(0.3 * numbers(shape, name.size()));
  }
  return Autoencoder(WeightView(std::make_shared<const Checkpoint>("a test's weights", tensors)),
                     config, CoderParts::kBoth, kernels);
}

AutoencoderConfig small_config() {
  AutoencoderConfig config;
  config.resolution = 32;
  config.ch = 16;
  config.ch_mult = {1, 2, 4};
  config.num_res_blocks = 1;
  config.num_groups = 8;
  return config;
}

/// The largest difference, as a part of the largest value.
double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  EXPECT_TRUE(a.is_contiguous());
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

void expect_the_same(const AutoencoderConfig& config, const StripWork& work) {
  constexpr double kRounding = 2e-5;
  for (const bool plain : {true, false}) {
    const Autoencoder whole = autoencoder(config, {.plain = plain, .isa = probe_isa()});
    const at::Tensor z = numbers({1, config.embed_dim, 9, 6}, 1);
    EXPECT_LT(difference(whole.decode(z, work), whole.decode(z)), kRounding);
    // Far from zero: the moments must not lose their digits.
    const at::Tensor x = numbers({2, 3, 9 * config.factor(), 6 * config.factor()}, 2) + 20;
    EXPECT_LT(difference(whole.moments(x, work), whole.moments(x)), kRounding);
  }
}

TEST(Strips, GiveThePictureOfTheWhole) {
  const c10::InferenceMode inference;
  for (const int64_t bytes : {1, 20'000, 1 << 30}) {  // four rows, some, all
    expect_the_same(small_config(), {.bytes = bytes});
  }
}

TEST(Strips, GiveThePictureOfTheWholeForEveryKindOfAutoencoder) {
  const c10::InferenceMode inference;
  AutoencoderConfig config = small_config();
  config.resamp_with_conv = false;
  expect_the_same(config, {.bytes = 1});
  config = small_config();
  config.attn_resolutions = {16, 8};
  expect_the_same(config, {.bytes = 1});
  config = small_config();
  config.ch_mult = {2, 1, 2};  // so narrow below that its doubled picture is kept
  expect_the_same(config, {.bytes = 1});
}

TEST(Strips, AskBetweenThemWhetherToGoOn) {
  const c10::InferenceMode inference;
  const Autoencoder model = autoencoder(small_config(), {.isa = probe_isa()});
  int asked = 0;
  const StripWork work{.bytes = 1, .poll = [&] {
                         if (++asked == 5) throw std::runtime_error("stop");
                       }};
  EXPECT_THROW(model.decode(numbers({1, 4, 9, 6}, 1), work), std::runtime_error);
  EXPECT_EQ(asked, 5);
}

}  // namespace
}  // namespace sd::test
