// OFT as PEFT stored it before 0.16, and its BOFT, against what PEFT merges: 0.13.2 and 0.15.2, on
// the CPU. (Rounds of BOFT by its permutations: without a card it multiplies but one.)

#include <ATen/ATen.h>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "support/memory_adapter.h"

namespace sd::test {
using namespace models;

namespace {

constexpr const char* kPeftLayer = "base_model.model.mid_block.attentions.0.proj_in";

at::Tensor waves(std::vector<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return (at::linspace(-1, 3, count) * 2).sin().view(shape);
}

/// The blocks of a layer, how far they may turn it, and some numbers of the merged weight [32, 32]:
/// at [0, 0], [3, 17] and [31, 31], and the sum of all, times 0 to 1.
struct Merged {
  const char* name;  ///< of the blocks
  std::vector<int64_t> blocks;
  bool has_lengths;
  double limit;
  double numbers[4];
  bool in_memory = false;  ///< of 0.13
};

const Merged kCases[] = {
    {"oft_r", {8, 4, 4}, false, 0, {-0.89074, -0.736256, 1.545652, 293.032562}},
    {"oft_r", {5, 7, 7}, false, 0, {-0.35808, -0.11152, 0.60141, 33.450283}},
    {"oft_r", {1, 4, 4}, false, 0, {0.869916, 0.888212, -1.088938, -75.695198}},
    {"oft_r", {8, 4, 4}, false, 0.01, {-0.842282, -0.621704, 0.926981, 341.299225}},
    {"oft_r", {8, 4, 4}, true, 0, {-0.600506, -0.220405, 0.011664, 261.410217}},
    {"oft_r", {8, 4, 4}, true, 0.01, {-0.649519, -0.469946, 0.830251, 304.722107}},
    {"oft_r", {1, 4, 4}, true, 0, {-0.339681, 0.81302, 0.625307, -70.861664}},
    {"boft_R", {1, 8, 4, 4}, true, 0, {-0.600506, -0.220405, 0.011664, 261.410217}},
    {"boft_R", {1, 8, 4, 4}, true, 0, {-0.603519, -0.577738, -0.035419, 279.550333}, true},
    {"boft_R", {2, 8, 4, 4}, true, 0, {-0.31218, -0.481858, 0.52054, 284.895782}},
    {"boft_R", {3, 8, 4, 4}, true, 0, {-0.465847, -0.476514, 0.485562, 291.717896}},
};

Tensors tensors_of(const Merged& one) {
  const auto name = [](const char* of) { return fmt::format("{}.{}", kPeftLayer, of); };
  Tensors tensors = {{name(one.name), waves(one.blocks)}};
  const char* lengths = std::string_view(one.name) == "oft_r" ? "oft_s" : "boft_s";
  if (one.has_lengths) tensors.emplace(name(lengths), 1 + waves({32, 1}) / 4);
  return tensors;
}

TEST(PeftBlocks, TurnAWeightAsPeft) {
  const at::Tensor weight = at::linspace(-1, 2, 32 * 32).sin().view({32, 32, 1, 1});
  for (const Merged& one : kCases) {
    SCOPED_TRACE(testing::Message() << one.name << " " << one.blocks << " " << one.limit);
    AdapterFile file = file_of(tensors_of(one));
    if (one.limit > 0) {
      file.layers.at(kPeftLayer).add(AdapterRole::kOftLimit, at::scalar_tensor(one.limit));
    }
    if (one.in_memory) {
      file.layers.at(kPeftLayer).add(AdapterRole::kInMemory, at::scalar_tensor(1.0));
    }
    const Adapter adapter(file, one_block_names());
    ASSERT_EQ(adapter.modules().size(), 1U);
    const at::Tensor merged_weight = merged(adapter, kName, weight).view({32, 32}).to(at::kDouble);
    EXPECT_NEAR(merged_weight[0][0].item<double>(), one.numbers[0], 1e-5);
    EXPECT_NEAR(merged_weight[3][17].item<double>(), one.numbers[1], 1e-5);
    EXPECT_NEAR(merged_weight[31][31].item<double>(), one.numbers[2], 1e-5);
    const at::Tensor ramp = at::linspace(0, 1, 32 * 32).view({32, 32}).to(at::kDouble);
    EXPECT_NEAR((merged_weight * ramp).sum().item<double>(), one.numbers[3], 1e-3);
  }
}

TEST(PeftBlocks, OfOtherSizesDoNotFit) {
  const std::vector<std::pair<const char*, std::vector<int64_t>>> blocks = {
      {".oft_r", {8, 4, 3}},
      {".oft_r", {7, 4, 4}},
      {".oft_r", {1, 33, 33}},
      {".oft_r", {8, 0, 0}},
      {".oft_r", {4}},
      {".boft_R", {1, 8, 4, 3}},
      {".boft_R", {1, 7, 4, 4}},
      {".boft_R", {5, 8, 4, 4}},
      {".boft_R", {0, 8, 4, 4}},
      {".boft_R", {2, 32, 1, 1}},
      {".boft_R", {}}};
  for (const auto& [end, shape] : blocks) {
    Tensors tensors = lora("lora_unet_mid_block_attentions_0_proj_out", 32, 32);
    tensors.emplace(std::string(kPeftLayer) + end, at::ones(shape));
    const Adapter adapter = adapter_of(tensors);
    EXPECT_EQ(adapter.misfits().size(), 1U) << end << at::IntArrayRef(shape);
    EXPECT_EQ(adapter.modules().size(), 1U) << end << at::IntArrayRef(shape);
  }
}

}  // namespace
}  // namespace sd::test
