// Files of adapters that hold something odd: what is read of them, and what is refused.

#include "models/adapters/adapter_file.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "models/inspect.h"
#include "support/expect_error.h"
#include "support/memory_adapter.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace sd::test {
using namespace models;
using namespace weights;

namespace {

TensorInfo named(const std::string& name) { return {.name = name}; }

TEST(AdapterFile, IsNotSeenInTheNamesOfAnyNetwork) {
  EXPECT_FALSE(may_be_adapter({named("model.diffusion_model.out.0.weight"), named("x.bias")}));
  EXPECT_FALSE(may_be_adapter({}));
  EXPECT_TRUE(may_be_adapter({named("a.weight"), named("a.on_input")}));
  EXPECT_TRUE(may_be_adapter({named("x.lora_up.weight")}));
  EXPECT_TRUE(may_be_adapter({named("x.oft_R.weight")}));
  EXPECT_TRUE(may_be_adapter({named("0"), named("1")}));
}

TEST(AdapterFile, HasFactorsOnlyWithTheirSide) {
  const AdapterFile file = file_of({{"a.weight", at::ones({4})},
                                    {"a.on_input", at::ones({})},
                                    {"b.weight", at::ones({4})},
                                    {"c.weight", at::ones({4})},
                                    {"c.alpha", at::ones({})}});
  ASSERT_EQ(file.layers.size(), 2U);
  EXPECT_TRUE(file.layers.at("a").has(AdapterRole::kIa3));
  EXPECT_FALSE(file.layers.at("c").has(AdapterRole::kIa3));
  EXPECT_EQ(file.strange, std::vector<std::string>({"b.weight", "c.weight"}));
}

TEST(AdapterFile, OfOrdinaryWeightsIsRefused) {
  const TempFolder folder;
  const std::string path =
      write_tensors(folder / "net.safetensors",
                    {{"conv.weight", at::ones({2, 2})}, {"conv.bias", at::ones({2})}});
  expect_error(ErrorKind::kCheckpoint, "none of the names that adapters have",
               [&] { read_adapter(path); });
  EXPECT_EQ(inspect_file(path, false).adapter, "");
}

/// Two tensors for the same thing.
struct Doubled {
  const char *first, *second;
};

TEST(AdapterFile, WithTwoTensorsForOnePartIsRefused) {
  const Doubled cases[] = {
      {"x.lora_down.weight", "x.lora_down"},
      {"x.lora_A.weight", "x.lora_down.weight"},
      {"x.lora_A.first.weight", "x.lora_A.second.weight"},
      {"attn1.processor.to_q_lora.down.weight", "attn1.to_q.lora.down.weight"},
      {"bundle_emb.word.string_to_param.*", "bundle_emb.word.string_to_param.265"}};
  for (const Doubled& one : cases) {
    const TempFolder folder;
    Tensors tensors = lora(kLayer, 32, 32);
    tensors.insert({{one.first, at::ones({1, 4})}, {one.second, at::ones({2, 4})}});
    const std::string path = write_tensors(folder / "two.safetensors", tensors);
    expect_error(ErrorKind::kCheckpoint, "a second one under", [&] { read_adapter(path); });
    EXPECT_NO_THROW(inspect_file(path, false)) << one.first;
  }
}

TEST(AdapterFile, ListsArePlacesAndNothingElse) {
  const Tensors list = {{"0", at::ones({4, 1})},
                        {"1", at::ones({1, 4})},
                        {"01", at::ones({1, 4})},
                        {"99999999999999999999", at::ones({1})}};
  const AdapterFile file = file_of(list);
  ASSERT_EQ(file.layers.size(), 1U);
  EXPECT_EQ(file.layers.begin()->first, "list:0");
  EXPECT_EQ(file.strange.size(), 2U);
}

TEST(AdapterFile, TakesPeftsAlphaByTheEndOfALayersName) {
  const TempFolder folder;
  Tensors tensors;
  for (const char* layer : {"a.x.to_q", "b.x.to_q", "b.x.to_k", "to_k"}) {
    tensors.merge(lora(std::string("base_model.model.") + layer, 4, 4));
  }
  const std::string path = write_tensors(folder / "adapter_model.safetensors", tensors);
  folder.write("adapter_config.json", R"({"lora_alpha": 5, "alpha_pattern":
      {"to_q": 6, "b.x.to_q": 7, "_k": 8, "x": 9, "": 10, "a.x.to_q": "eleven"}})");
  const AdapterFile file = read_adapter(path);
  const auto alpha = [&](const char* layer) {
    return file.layers.at(std::string("base_model.model.") + layer).number(AdapterRole::kAlpha, -1);
  };
  EXPECT_EQ(alpha("a.x.to_q"), 6);
  EXPECT_EQ(alpha("b.x.to_q"), 7);
  EXPECT_EQ(alpha("b.x.to_k"), 5);
  EXPECT_EQ(alpha("to_k"), 5);
}

TEST(AdapterFile, TellsLongNamesInShort) {
  const TempFolder folder;
  const std::string name(10000, 'x');
  Tensors tensors = {{name + ".lora_up.weight", at::ones({4, 1})},
                     {name + ".lora_down.weight", at::ones({1, 4})}};
  const std::string path = write_tensors(folder / "long.safetensors", tensors);
  try {
    open_adapter(path, one_block_names());
    ADD_FAILURE() << "a layer of no model was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_LT(std::string(error.what()).size(), 1000U);
  }
}

TEST(AdapterFile, WithTwoEntriesForOneLayerIsRefused) {
  Tensors tensors = lora(kLayer, 32, 32);
  tensors.merge(lora("unet.mid_block.attentions.0.proj_in", 32, 32));
  expect_error(ErrorKind::kCheckpoint, "a second one for", [&] { adapter_of(tensors); });
}

TEST(Merge, RefusesWeightsOfAnotherShape) {
  const Adapter adapter = adapter_of(lora(kLayer, 32, 32));
  EXPECT_EQ(merged(adapter, kName, at::ones({32, 32})).dim(), 2);  // a linear map is a 1x1 kernel
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{32, 16}, {64, 32, 1, 1}, {32}}) {
    expect_error(ErrorKind::kCheckpoint, "expected a weight of [32, 32]",
                 [&] { merged(adapter, kName, at::ones(shape)); });
  }
}

TEST(Merge, RefusesValuesThatAreNoNumbers) {
  Tensors tensors;
  for (const auto& [name, ones] : lora(kLayer, 32, 32)) tensors[name] = ones * 1e30;
  const at::Tensor weight = at::ones({32, 32, 1, 1});
  expect_error(ErrorKind::kCheckpoint, "expected a changed weight of numbers",
               [&] { merged(adapter_of(tensors), kName, weight); });
  expect_error(ErrorKind::kCheckpoint, "middle_block.1.proj_in",
               [&] { merged(adapter_of(lora(kLayer, 32, 32)), kName, weight, 1e300); });
}

/// DoRA's lengths for a weight of 32 outputs and 16 inputs.
struct Lengths {
  std::vector<int64_t> shape;
  bool fit;
};

TEST(Merge, TakesLengthsOfInputsOrOfOutputs) {
  const std::string layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k";
  const Lengths cases[] = {{{1, 16}, true},     {{32, 1}, true},       {{16}, true},
                           {{32}, true},        {{1, 16, 1, 1}, true}, {{16, 1}, false},
                           {{1, 16, 3}, false}, {{}, false},           {{0}, false}};
  for (const Lengths& one : cases) {
    SCOPED_TRACE(shape_string(one.shape));
    Tensors tensors = lora(layer, 32, 16);
    tensors.emplace(layer + ".dora_scale", at::full(one.shape, 2.0F));
    tensors.merge(lora(kLayer, 32, 32));
    const Adapter adapter = adapter_of(tensors);
    ASSERT_EQ(adapter.misfits().empty(), one.fit);
    if (!one.fit) continue;
    const at::Tensor changed = merged(
        adapter, "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight",
        at::ones({32, 16}));
    const bool of_inputs = changed.numel() > 0 && one.shape[0] != 32;
    const at::Tensor lengths = changed.norm(2, {of_inputs ? 0 : 1});
    EXPECT_TRUE(at::allclose(lengths, at::full_like(lengths, 2.0F)));
  }
}

}  // namespace
}  // namespace sd::test
