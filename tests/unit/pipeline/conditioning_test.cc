#include "pipeline/conditioning.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <fstream>

#include "models/latent_diffusion.h"
#include "models/model_source.h"
#include "runtime/data_files.h"
#include "support/golden_tensor.h"
#include "text/prompt_syntax.h"

namespace sd::test {
using namespace models;
using namespace pipeline;
using namespace runtime;
using namespace text;

namespace {

using nlohmann::json;

/// Conditionings that the web UI composed (../shared/a1111/prompts), of the reference's small
/// checkpoint.
class ComposedPrompts : public testing::Test {
 protected:
  void SetUp() override {
    SD_NEEDS_A1111();
    const auto ckpt = reference_dir() / "ckpt";
    const ModelPaths paths{.checkpoint = (ckpt / "sd-tiny.ckpt").string(),
                           .config = (ckpt / "sd-tiny.yaml").string(),
                           .weights = WeightChoice::kPlain};
    model_ = std::make_unique<LatentDiffusion>(
        load_latent_diffusion(open_model(paths), CoderParts::kDecoderFirst, ExecPolicy()));
    tokenizer_ = make_clip_tokenizer(data_file("tokenizer/clip.model"));
    networks_ = std::make_unique<Networks>(*model_);
    contexts_ =
        std::make_unique<Contexts>(*tokenizer_, embeddings_, EmbeddingNames(), networks_.get());
    goldens_ = std::make_unique<GoldenTensors>(prompts_ / "cond.safetensors");
    std::ifstream file(prompts_ / "cond.json");
    cases_ = json::parse(file);
  }

  std::shared_ptr<const StagedContext> context(const std::string& text, int64_t steps) {
    return contexts_->of(text, {.steps = steps}, {.syntax = PromptSyntax::kWebUi});
  }

  void expect_golden(const std::string& name, const std::vector<at::Tensor>& rows) {
    const at::Tensor theirs = tensor_of(goldens_->f32(name));
    const at::Tensor ours = at::stack(rows);
    ASSERT_EQ(ours.sizes(), theirs.sizes()) << name;
    EXPECT_LE((ours - theirs).abs().max().item<double>(), 1e-4) << name;
  }

  const std::filesystem::path prompts_ = a1111_dir() / "prompts";
  c10::InferenceMode inference_;
  std::unique_ptr<LatentDiffusion> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  EmbeddingSet embeddings_;
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<Contexts> contexts_;
  std::unique_ptr<GoldenTensors> goldens_;
  json cases_;
};

TEST_F(ComposedPrompts, AreTheWebUisAtEachEvaluation) {
  for (const json& item : cases_.at("composed")) {
    Conditioning conditioning;
    json weights = json::array();
    int row = 0;
    for (const std::string prompt : item.at("prompts")) {
      PictureConditioning& picture = conditioning.pictures.emplace_back();
      json& list = weights.emplace_back(json::array());
      for (const PromptPart& part : split_at_and(prompt)) {
        picture.parts.push_back({context(part.text, item.at("steps")), part.weight});
        list.push_back({row++, part.weight});
      }
    }
    EXPECT_EQ(weights, item.at("conds_list"));
    if (item.at("tensor").is_null()) continue;
    std::vector<at::Tensor> rows;
    for (const auto& parts : conditioning.at(item.at("step")).parts) {
      rows.insert(rows.end(), parts.begin(), parts.end());
    }
    expect_golden(item.at("tensor"), rows);
  }
}

TEST_F(ComposedPrompts, ArePaddedAsThere) {
  for (const json& item : cases_.at("padding")) {
    const std::string id = item.at("id");
    Conditioning conditioning;
    conditioning.pictures.push_back(
        {{{context(item.at("cond"), 20), 1}}, context(item.at("uncond"), 20)});
    conditioning.unequal = id.ends_with("_v0") ? UnequalLengths::kPadOld : UnequalLengths::kPad;
    conditioning.empty = context("", 20)->at(0);
    const Conditioning::Span span = conditioning.at(0);
    expect_golden(id + ".cond", span.parts.front());
    expect_golden(id + ".uncond", span.negatives);
  }
}

/// [length, 1] of one number.
std::shared_ptr<const StagedContext> constant(double value, int64_t length) {
  return std::make_shared<const StagedContext>(StagedContext{{10}, {at::full({length, 1}, value)}});
}

/// A network that says x plus the context's mean, and how often it was prepared.
class MeanNetwork {
 public:
  ConditionedUNet::Prepare function() {
    return [this](const at::Tensor& context, int64_t n) -> sampling::EpsModel {
      ++prepared;
      const at::Tensor mean = context.mean(at::IntArrayRef{1, 2}).view({-1, 1, 1, 1});
      return [mean, n](const at::Tensor& x, double) {
        EXPECT_EQ(x.size(0), n);
        return x.repeat({mean.size(0) / n, 1, 1, 1}) + mean;
      };
    };
  }

  int prepared = 0;
};

std::vector<float> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.flatten().contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

TEST(ConditionedUNet, WeighsThePartsAgainstTheNegative) {
  Conditioning conditioning;
  conditioning.pictures.push_back({{{constant(2, 4), 1}, {constant(3, 8), 0.5}}, constant(1, 4)});
  conditioning.pictures.push_back({{{constant(5, 4), 1}}, constant(0, 4)});
  MeanNetwork network;
  ConditionedUNet unet(conditioning, network.function());
  const at::Tensor x = at::tensor({10.0F, 20.0F}).view({2, 1, 1, 1});
  // u + 1·(2 - 1) + 0.5·(3 - 1), and u + 1·(5 - 0)
  EXPECT_EQ(numbers(unet(x, 0, 0, true)), (std::vector<float>{11, 20, 13, 25}));
  // the first part stands for u: 2 + 0.5·(3 - 2)
  EXPECT_EQ(numbers(unet(x, 0, 1, false)), (std::vector<float>{12.5F, 25}));
  unet(x, 0, 2, true);
  EXPECT_EQ(network.prepared, 4);  // two lengths, with and without guidance
}

TEST(ConditionedUNet, CallsOnceForContextsOfOneLength) {
  Conditioning conditioning;
  for (int i = 0; i < 3; ++i) {
    conditioning.pictures.push_back({{{constant(i, 4), 1}}, constant(-i, 4)});
  }
  MeanNetwork network;
  ConditionedUNet unet(conditioning, network.function());
  const at::Tensor x = at::zeros({3, 1, 1, 1});
  EXPECT_EQ(numbers(unet(x, 0, 0, true)), (std::vector<float>{0, -1, -2, 0, 1, 2}));
  EXPECT_EQ(network.prepared, 1);
}

}  // namespace
}  // namespace sd::test
