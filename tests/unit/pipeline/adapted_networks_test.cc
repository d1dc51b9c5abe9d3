// Adapters in a session, where putting them in fails half-way.

#include "pipeline/adapted_networks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "support/expect_error.h"
#include "support/small_pipeline.h"
#include "support/tensor_to_write.h"

namespace sd::test {
using namespace weights;

namespace {

class AdaptedRuns : public testing::Test {
 protected:
  /// A LoRA of the text encoder and of the UNet, whose values there are `of_unet`.
  std::vector<LoraUse> lora(const std::string& name, float of_unet) {
    const std::string text = "lora_te_text_model_encoder_layers_0_mlp_fc1";
    const std::string unet = "lora_unet_mid_block_attentions_0_proj_in";
    const std::string file = (model_.folder() / (name + ".safetensors")).string();
    write_safetensors(file, {to_write(text + ".lora_down.weight", at::full({1, 32}, 0.3F)),
                             to_write(text + ".lora_up.weight", at::ones({64, 1})),
                             to_write(unet + ".lora_down.weight", at::ones({1, 64})),
                             to_write(unet + ".lora_up.weight", at::full({64, 1}, of_unet))});
    return {{.file = file}};
  }

  /// The latent of a prompt.
  static at::Tensor draw(Session* session, const std::string& prompt,
                         const std::vector<LoraUse>& loras) {
    Request request = small_request(1, 64);
    request.pictures.front().prompt = prompt;
    request.batch.loras = loras;
    at::Tensor latent;
    session->set_tap([&](const std::string& name, const at::Tensor& tensor) {
      if (name == "latent") latent = tensor.clone();
    });
    session->generate(request, nullptr);
    return latent;
  }

  at::Tensor draw_alone(const std::string& prompt, const std::vector<LoraUse>& loras) const {
    Session session = pipeline_.start();
    return draw(&session, prompt, loras);
  }

  ModelOnDisk model_;
  Pipeline pipeline_ = Pipeline::load(model_.options, cpu_policy(true));
};

TEST_F(AdaptedRuns, ThatFailLeaveTheModelsOwnNetworks) {
  const std::vector<LoraUse> good = lora("good", 0.1F), bad = lora("bad", std::nanf(""));
  Session session = pipeline_.start();
  const at::Tensor adapted = draw(&session, "a", good);
  EXPECT_FALSE(at::equal(adapted, draw_alone("a", {})));
  // The text encoder's part of it is sound, and the UNet's is not.
  expect_error(ErrorKind::kCheckpoint, "expected numbers", [&] { draw(&session, "b", bad); });
  EXPECT_TRUE(at::equal(draw(&session, "a", {}), draw_alone("a", {})));
  EXPECT_TRUE(at::equal(draw(&session, "b", {}), draw_alone("b", {})));
  expect_error(ErrorKind::kCheckpoint, "expected numbers", [&] { draw(&session, "b", bad); });
  EXPECT_TRUE(at::equal(draw(&session, "a", good), adapted));
}

TEST_F(AdaptedRuns, OfAFileThatIsNotThereLeaveTheLastAdapters) {
  const std::vector<LoraUse> good = lora("good", 0.1F);
  Session session = pipeline_.start();
  const at::Tensor adapted = draw(&session, "a", good);
  const std::string absent = (model_.folder() / "absent.safetensors").string();
  EXPECT_THROW(draw(&session, "a", {{.file = absent}}), Error);
  EXPECT_TRUE(at::equal(draw(&session, "a", good), adapted));
  EXPECT_TRUE(at::equal(draw(&session, "a", {}), draw_alone("a", {})));
}

/// The latents of two passes.
struct TwoLatents {
  at::Tensor first;
  at::Tensor second;
};

TwoLatents draw_twice(Session* session, const std::vector<LoraUse>& loras,
                      const std::optional<std::vector<LoraUse>>& hires_loras) {
  Request request = small_request(1, 64);
  request.noise = {.rng = RngKind::kCuda, .seeds = {7}, .rows = 0};
  request.batch.sampler = "euler";
  request.batch.hires.scale = 2;
  request.batch.loras = loras;
  request.batch.hires.loras = hires_loras;
  TwoLatents latents;
  session->set_tap([&](const std::string& name, const at::Tensor& tensor) {
    if (name == "first_latent") latents.first = tensor.clone();
    if (name == "latent") latents.second = tensor.clone();
  });
  session->generate(request, nullptr);
  return latents;
}

TEST_F(AdaptedRuns, OfTwoPassesHaveAdaptersOfEachFromTheBaseWeights) {
  const std::vector<LoraUse> good = lora("good", 0.1F);
  Session session = pipeline_.start();
  const TwoLatents none = draw_twice(&session, {}, {});
  const TwoLatents both = draw_twice(&session, good, {});
  const TwoLatents late = draw_twice(&session, {}, good);
  EXPECT_TRUE(at::equal(late.first, none.first));
  EXPECT_FALSE(at::equal(late.second, none.second));
  const TwoLatents early = draw_twice(&session, good, std::vector<LoraUse>());
  EXPECT_TRUE(at::equal(early.first, both.first));
  EXPECT_FALSE(at::equal(early.first, none.first));
  EXPECT_FALSE(at::equal(early.second, both.second));
  // Nothing adds up: given to both, they are the same as those of the first.
  EXPECT_TRUE(at::equal(draw_twice(&session, good, good).second, both.second));
  EXPECT_TRUE(at::equal(draw_twice(&session, {}, {}).second, none.second));
}

}  // namespace
}  // namespace sd::test
