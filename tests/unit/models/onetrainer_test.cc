// What OneTrainer writes otherwise than others, against its formulas written out.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/memory_adapter.h"

namespace sd::test {
using namespace models;

namespace {

constexpr const char* kConv = "lora_unet_mid_block_resnets_0_conv1";
constexpr const char* kConvName = "model.diffusion_model.middle_block.0.in_layers.2.weight";
constexpr const char* kLinear = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
constexpr const char* kLinearName =
    "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight";

at::Tensor waves(std::vector<int64_t> shape, double from) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return at::linspace(from, from + 3, count).sin().view(shape);
}

TEST(OneTrainer, HasLohaOfFourSizes) {
  const at::Tensor a1 = waves({32, 2, 1, 1}, 0), b1 = waves({2, 32, 3, 3}, 1),
                   a2 = waves({32, 2, 1, 1}, 2), b2 = waves({2, 32, 3, 3}, 3);
  const std::string layer = kConv;
  const Adapter adapter = adapter_of({{layer + ".hada_w1_a", a1},
                                      {layer + ".hada_w1_b", b1},
                                      {layer + ".hada_w2_a", a2},
                                      {layer + ".hada_w2_b", b2},
                                      {layer + ".alpha", at::scalar_tensor(1.0)}});
  const auto product = [](const at::Tensor& a, const at::Tensor& b) {
    return at::einsum("orxy,rihw->oihw", {a, b});
  };
  const at::Tensor changed = merged(adapter, kConvName, at::zeros({32, 32, 3, 3}));
  EXPECT_TRUE(at::allclose(changed, product(a1, b1) * product(a2, b2) / 2, 1e-5, 1e-5));
}

/// R of a row of packed values: I + 2Q + 2Q^2 + 2Q^3 + Q^4.
at::Tensor rotation(const at::Tensor& row, int64_t side) {
  at::Tensor q = at::zeros({side, side});
  int64_t next = 0;
  for (int64_t i = 0; i < side; ++i) {
    for (int64_t k = i + 1; k < side; ++k) {
      q[i][k] = row[next];
      q[k][i] = -row[next++];
    }
  }
  const at::Tensor q2 = at::matmul(q, q);
  return at::eye(side) + 2 * q + 2 * q2 + 2 * at::matmul(q2, q) + at::matmul(q2, q2);
}

/// The weight [out, in], each block of whose inputs is turned by R^T, or R.
at::Tensor turned(const at::Tensor& weight, const at::Tensor& packed, int64_t side, bool back) {
  at::Tensor result = weight.clone();
  for (int64_t i = 0; i < packed.size(0); ++i) {
    const at::Tensor r = rotation(packed[i], side);
    at::Tensor block = result.narrow(1, i * side, side);
    block.copy_(at::matmul(block.clone(), back ? r : r.t()));
  }
  return result;
}

TEST(OneTrainer, TurnsWeightsOfConvolutionsAndInputsOfOthers) {
  constexpr int64_t kSide = 8;
  for (const bool scaled : {false, true}) {
    const auto changed = [&](const std::string& layer, const char* name, const at::Tensor& weight,
                             const at::Tensor& packed) {
      Tensors tensors = {{layer + ".oft_R.weight", packed}};
      if (scaled) tensors.emplace(layer + ".oft_R.scaled_oft", at::scalar_tensor(1.0));
      return merged(adapter_of(tensors), name, weight);
    };
    const double by = scaled ? 2 * std::sqrt(kSide - 1.0) : 1;
    const at::Tensor of_linear = waves({4, 28}, 0) * 0.1, of_conv = waves({36, 28}, 1) * 0.1;
    const at::Tensor linear = waves({32, 32}, 2), conv = waves({32, 32, 3, 3}, 3);
    EXPECT_TRUE(at::allclose(changed(kLinear, kLinearName, linear, of_linear),
                             turned(linear, of_linear / by, kSide, /*back=*/false), 1e-4, 1e-5));
    EXPECT_TRUE(at::allclose(changed(kConv, kConvName, conv, of_conv).flatten(1),
                             turned(conv.flatten(1), of_conv / by, kSide, /*back=*/true), 1e-4,
                             1e-5));
  }
}

TEST(OneTrainer, BundlesEmbeddingsByTheirEncoder) {
  Tensors tensors = lora(kLinear, 32, 32);
  tensors.emplace("bundle_emb.word.clip_l", at::ones({1, 16}));
  tensors.emplace("bundle_emb.word.clip_l_out", at::ones({1, 16}));
  const AdapterFile file = file_of(tensors);
  ASSERT_EQ(file.embeddings.size(), 1U);
  EXPECT_TRUE(file.embeddings.contains("word"));
  EXPECT_EQ(file.strange, std::vector<std::string>({"bundle_emb.word.clip_l_out"}));
}

}  // namespace
}  // namespace sd::test
