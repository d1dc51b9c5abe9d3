#include "models/adapters/adapter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "models/adapters/adapter_purpose.h"
#include "support/expect_error.h"
#include "support/memory_adapter.h"

namespace sd {
using namespace models;
using namespace weights;

namespace {

using namespace test;

TEST(Adapter, SaysWhatItApplies) {
  const Adapter adapter = adapter_of(lora(kLayer, 32, 32));
  EXPECT_EQ(adapter.summary(), "memory.safetensors: applied 1 of 1 layers, LoRA rank 2");
  EXPECT_TRUE(adapter.unmatched().empty());
}

TEST(Adapter, CountsWhatFitsNothing) {
  Tensors tensors = lora(kLayer, 32, 32);
  tensors.merge(lora("lora_unet_nowhere", 3, 3));
  tensors.merge(lora("lora_unet_mid_block_attentions_0_proj_out", 64, 32));
  const Adapter adapter = adapter_of(tensors);
  EXPECT_EQ(adapter.unmatched(), std::vector<std::string>({"lora_unet_nowhere"}));
  ASSERT_EQ(adapter.misfits().size(), 1U);
  EXPECT_NE(adapter.misfits()[0].find("do not fit a weight of [32, 32"), std::string::npos);
  EXPECT_NE(adapter.summary().find("applied 1 of 3 layers"), std::string::npos);
}

TEST(Adapter, LeavesTheValuesAlone) {
  const at::Tensor values = at::ones({32, 32, 1, 1});
  const at::Tensor changed = merged(adapter_of(lora(kLayer, 32, 32)), kName, values, 0.5);
  EXPECT_TRUE(at::equal(values, at::ones({32, 32, 1, 1})));
  EXPECT_TRUE(at::equal(changed, at::full({32, 32, 1, 1}, 2.0F)));
}

TEST(Adapter, TouchesNothingAtStrengthZero) {
  const auto adapter = std::make_shared<const Adapter>(adapter_of(lora(kLayer, 32, 32)));
  EXPECT_FALSE(adapter_edit(adapter, {.unet = 0, .text = 1}).touches(kName));
  EXPECT_FALSE(adapter_edit(adapter, {}).touches("model.diffusion_model.out.0.weight"));
}

TEST(Adapter, ChangesOnlyTheLatentsInputsOfAnInpaintingModel) {
  const Adapter adapter =
      adapter_of({{"lora_unet_conv_in.lora_up.weight", at::ones({32, 2, 1, 1})},
                  {"lora_unet_conv_in.lora_down.weight", at::ones({2, 4, 3, 3})}});
  const at::Tensor changed =
      merged(adapter, "model.diffusion_model.input_blocks.0.0.weight", at::zeros({32, 9, 3, 3}));
  EXPECT_TRUE(at::equal(changed.narrow(1, 0, 4), at::full({32, 4, 3, 3}, 2.0F)));
  EXPECT_TRUE(at::equal(changed.narrow(1, 4, 5), at::zeros({32, 5, 3, 3})));
}

TEST(Adapter, GivesRowsTheLengthsOfPeftsMagnitudes) {
  Tensors tensors = lora(kLayer, 32, 32);
  tensors.emplace(std::string(kLayer) + ".lora_magnitude_vector", at::full({32}, 3.0F));
  const at::Tensor changed = merged(adapter_of(tensors), kName, at::ones({32, 32, 1, 1}));
  EXPECT_TRUE(at::allclose(changed.flatten(1).norm(2, {1}), at::full({32}, 3.0F)));
}

TEST(Adapter, ChangesBiasesBesideAnyKind) {
  Tensors tensors = lora(kLayer, 32, 32);
  tensors.emplace(std::string(kLayer) + ".diff_b", at::ones({32}));
  const at::Tensor bias =
      merged(adapter_of(tensors), "model.diffusion_model.middle_block.1.proj_in.bias",
             at::zeros({32}), 0.5);
  EXPECT_TRUE(at::equal(bias, at::full({32}, 0.5F)));
}

TEST(Adapter, NamesTheLayerWhoseValuesAreNoNumbers) {
  Tensors tensors = lora(kLayer, 32, 32);
  tensors.at(std::string(kLayer) + ".lora_up.weight")[3][1] = std::nanf("");
  const Adapter adapter = adapter_of(tensors);
  expect_error(ErrorKind::kCheckpoint, "middle_block.1.proj_in: expected numbers", [&] {
    merged(adapter, kName, at::ones({32, 32, 1, 1}));
  });
}

/// Broken in a way that must not be computed with.
struct Broken {
  const char* what;
  Tensors tensors;
};

std::vector<Broken> broken_adapters() {
  const std::string layer = kLayer;
  const auto with = [&](const std::string& end, const at::Tensor& tensor) {
    Tensors tensors = lora(layer, 32, 32);
    tensors.insert_or_assign(layer + end, tensor);
    return tensors;
  };
  const at::Tensor nothing = at::zeros({0});
  return {
      {"alpha is no number", with(".alpha", at::scalar_tensor(NAN))},
      {"alpha is infinite", with(".alpha", at::scalar_tensor(INFINITY))},
      {"two alphas", with(".alpha", at::ones({2}))},
      {"no alpha in it", with(".alpha", nothing)},
      {"rank 0", lora(layer, 32, 32, 0)},
      {"a rank beyond sense", lora(layer, 32, 32, 20000)},
      {"down without sizes", with(".lora_down.weight", at::scalar_tensor(1.0))},
      {"down of one size", with(".lora_down.weight", at::ones({2}))},
      {"down empty", with(".lora_down.weight", nothing)},
      {"another rank in up", with(".lora_up.weight", at::ones({32, 3}))},
      {"a kernel where there is none", with(".lora_down.weight", at::ones({2, 32, 3, 3}))},
      {"up without down", {{layer + ".lora_up.weight", at::ones({32, 2})}}},
      {"mid of another size", with(".lora_mid.weight", at::ones({3, 3, 1, 1}))},
      {"lengths of another size", with(".dora_scale", at::ones({7, 1, 1, 1}))},
      {"a bias of another size", with(".diff_b", at::ones({31}))},
      {"blocks that are not square", {{layer + ".oft_blocks", at::ones({4, 8, 7})}}},
      {"blocks of a size of zero", {{layer + ".oft_blocks", at::ones({4, 0, 0})}}},
      {"odd butterflies", {{layer + ".oft_blocks", at::ones({1, 32, 1, 1})}}},
      {"too many butterflies", {{layer + ".oft_blocks", at::ones({9, 4, 8, 8})}}},
      {"a Kronecker product of zero",
       {{layer + ".lokr_w1", at::ones({0, 4})}, {layer + ".lokr_w2", at::ones({8, 8})}}},
      {"a Kronecker product of another size",
       {{layer + ".lokr_w1", at::ones({4, 4})}, {layer + ".lokr_w2", at::ones({8, 9})}}},
      {"hada of one size",
       {{layer + ".hada_w1_a", at::ones({32})},
        {layer + ".hada_w1_b", at::ones({32})},
        {layer + ".hada_w2_a", at::ones({32})},
        {layer + ".hada_w2_b", at::ones({32})}}},
      {"factors of another size",
       {{layer + ".weight", at::ones({31})}, {layer + ".on_input", at::ones({})}}},
      {"GLoRA without sizes",
       {{layer + ".a1.weight", at::ones({})},
        {layer + ".a2.weight", at::ones({})},
        {layer + ".b1.weight", at::ones({})},
        {layer + ".b2.weight", at::ones({})}}},
      {"a difference of another size", {{layer + ".diff", at::ones({32, 31})}}},
      {"alpha is 0", with(".alpha", at::zeros({}))},
      {"down of five sizes", with(".lora_down.weight", at::ones({2, 32, 1, 1, 1}))},
      {"up without sizes", with(".lora_up.weight", at::ones({}))},
      {"lengths without sizes", with(".dora_scale", at::ones({}))},
      {"packed blocks of one size", {{layer + ".oft_R.weight", at::ones({28})}}},
      {"packed blocks that are no squares", {{layer + ".oft_R.weight", at::ones({4, 27})}}},
      {"too few packed blocks", {{layer + ".oft_R.weight", at::ones({3, 28})}}},
      {"packed blocks of nothing", {{layer + ".oft_R.weight", at::ones({32, 0})}}},
  };
}

TEST(Adapter, RefusesLayersThatDoNotFit) {
  for (const Broken& one : broken_adapters()) {
    Tensors tensors = one.tensors;
    tensors.merge(lora("lora_unet_mid_block_attentions_0_proj_out", 32, 32));
    const Adapter adapter = adapter_of(tensors);
    EXPECT_EQ(adapter.misfits().size(), 1U) << one.what;
    EXPECT_EQ(adapter.modules().size(), 1U) << one.what;
  }
}

/// Where nothing of a file can be used, the error says why.
TEST(Adapter, SaysWhyNoneOfItsLayersCanBeUsed) {
  const std::string layer = kLayer;
  const auto with = [&](const std::string& end, const at::Tensor& tensor) {
    Tensors tensors = lora(layer, 32, 32);
    tensors.insert_or_assign(layer + end, tensor);
    return tensors;
  };
  const std::pair<Tensors, const char*> cases[] = {
      {with(".alpha", at::zeros({})), "proj_in: its alpha is 0"},
      {with(".alpha", at::scalar_tensor(NAN)), "proj_in: its alpha is nan"},
      {with(".alpha", at::scalar_tensor(-INFINITY)), "proj_in: its alpha is -inf"},
      {with(".alpha", at::ones({3})), "proj_in: its alpha is of 3 numbers, not of one"},
      {with(".lora_up.weight", at::ones({32, 3})),
       "its lora_down [2, 32], lora_up [32, 3] do not fit a weight of [32, 32, 1, 1]"},
      {{{layer + ".lora_up.weight", at::ones({32, 2})}}, "its lora_up [32, 2] make no known kind"}};
  for (const auto& [tensors, said] : cases) {
    expect_error(ErrorKind::kCheckpoint, said, [&] { adapter_of(tensors); });
  }
}

/// What a product is multiplied by may be below zero, and numbers may be of any type.
TEST(Adapter, TakesAnyNumbers) {
  const std::string layer = kLayer;
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kDouble, at::kChar}) {
    Tensors tensors;
    for (const auto& [name, ones] : lora(layer, 32, 32)) tensors[name] = ones.to(type);
    tensors.emplace(layer + ".alpha", at::full({1}, -4).to(type));
    const at::Tensor changed = merged(adapter_of(tensors), kName, at::ones({32, 32, 1, 1}));
    EXPECT_TRUE(at::equal(changed, at::full({32, 32, 1, 1}, -3.0F))) << type;
  }
}

/// The web UI, too, takes what a convolution's weight is when its sizes are put together.
TEST(Adapter, TakesFlatPartsOfAConvolution) {
  const std::string layer = "lora_unet_mid_block_resnets_0_conv1";
  const at::Tensor down = at::linspace(-1, 2, 2 * 288).sin().view({2, 288});
  const at::Tensor up = at::linspace(0, 1, 64).view({32, 2});
  const at::Tensor expected = at::matmul(up, down).view({32, 32, 3, 3});
  for (const Adapter& adapter :
       {adapter_of({{layer + ".lora_up.weight", up}, {layer + ".lora_down.weight", down}}),
        adapter_of({{layer + ".diff", expected.flatten(1)}})}) {
    const at::Tensor changed =
        merged(adapter, "model.diffusion_model.middle_block.0.in_layers.2.weight",
               at::zeros({32, 32, 3, 3}));
    EXPECT_TRUE(at::allclose(changed, expected));
  }
}

TEST(Adapter, TakesGloraOfAConvolution) {
  const std::string layer = "lora_unet_mid_block_resnets_0_conv1";
  const std::string name = "model.diffusion_model.middle_block.0.in_layers.2.weight";
  const at::Tensor weight = at::linspace(-1, 1, 32 * 32 * 9).sin().view({32, 32, 3, 3});
  const at::Tensor down = at::linspace(-1, 2, 64).cos(), up = at::linspace(0, 1, 64).sin();
  const at::Tensor b = at::linspace(1, 2, 2 * 32 * 9).sin().view({2, 32, 3, 3});
  const bool usual_order[] = {true, false};
  for (const bool usual : usual_order) {
    const char *one = usual ? "1" : "2", *two = usual ? "2" : "1";
    const Adapter adapter = adapter_of({{layer + ".a" + one + ".weight", down.view({2, 32, 1, 1})},
                                        {layer + ".a" + two + ".weight", up.view({32, 2, 1, 1})},
                                        {layer + ".b" + one + ".weight", b},
                                        {layer + ".b" + two + ".weight", up.view({32, 2, 1, 1})}});
    at::Tensor expected = weight + at::matmul(up.view({32, 2}), b.flatten(1)).view(weight.sizes());
    const at::Tensor mixed = at::matmul(up.view({32, 2}), down.view({2, 32}));  // [in, in]
    expected += at::einsum("oiyx,ij->ojyx", {weight, mixed});
    EXPECT_TRUE(at::allclose(merged(adapter, name, weight), expected, 1e-5, 1e-5));
  }
}

/// Adapters for other models, and what they are said to be for.
struct Foreign {
  Tensors tensors;
  const char* said;
};

TEST(Adapter, SaysWhatAForeignAdapterIsFor) {
  const std::string key = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k";
  Tensors sd2 = lora(key, 32, 1024);
  sd2.merge(lora(kLayer, 32, 32));  // which SD 2 has in v1's size
  const Foreign cases[] = {
      {lora("lora_te2_text_model_encoder_layers_0_mlp_fc1", 32, 16), "Stable Diffusion XL"},
      {sd2, "texts of width 1024: Stable Diffusion 2"},
      {lora("lora_unet_double_blocks_0_img_attn_qkv", 8, 8), "Flux"},
      {lora("transformer.single_transformer_blocks.0.attn.to_q", 8, 8), "Flux"},
      {lora("transformer.transformer_blocks.0.attn.add_q_proj", 8, 8), "Stable Diffusion 3"},
      {lora("diffusion_model.blocks.0.cross_attn.k", 8, 8), "a video model (Wan)"},
      {lora("lora_unet_nowhere", 8, 8), "none of the layers of this model"}};
  for (const Foreign& one : cases) {
    expect_error(ErrorKind::kCheckpoint, one.said, [&] { adapter_of(one.tensors); });
  }
}

TEST(Adapter, KnowsAdaptersForFewSteps) {
  AdapterFile file;
  const auto named = [&](const std::string& name) {
    file.checkpoint = std::make_shared<const Checkpoint>(name, Tensors());
    return suggestion(file);
  };
  EXPECT_NE(named("a/LCM_LoRA_SDv15.safetensors").find("`sampler` lcm"), std::string::npos);
  EXPECT_NE(named("Hyper-SD15-4steps-lora.safetensors").find("Hyper-SD"), std::string::npos);
  EXPECT_EQ(named("a/style.safetensors"), "");
}

TEST(Adapter, IsAdvisedUnlessTheAdviceIsFollowed) {
  AdapterFile file;
  const auto advised = [&](const std::string& name, const DrawnWith& drawn) {
    file.checkpoint = std::make_shared<const Checkpoint>(name, Tensors());
    return !suggestion(file, drawn).empty();
  };
  const std::string lcm = "LCM_LoRA.safetensors", hyper = "Hyper-SD15-4steps-lora.safetensors";
  EXPECT_FALSE(advised(lcm, {"lcm", 4, 1.5}));
  EXPECT_FALSE(advised(lcm, {"diffusers_lcm", 8, 1}));
  EXPECT_TRUE(advised(lcm, {"lcm", 50, 1.5}));
  EXPECT_TRUE(advised(lcm, {"lcm", 4, 7.5}));
  EXPECT_TRUE(advised(lcm, {"euler", 4, 1}));
  EXPECT_FALSE(advised(hyper, {"ddim_trailing", 4, 1}));
  EXPECT_TRUE(advised(hyper, {"lcm", 4, 1}));
  EXPECT_FALSE(advised("style.safetensors", {"euler", 20, 7}));
}

}  // namespace
}  // namespace sd
