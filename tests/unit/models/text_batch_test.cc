#include "models/text_batch.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "models/latent_diffusion.h"
#include "models/model_source.h"
#include "runtime/data_files.h"
#include "support/golden_tensor.h"
#include "text/prompt_schedule.h"

// The web UI's own conditionings (../shared/a1111/prompts), of the reference's small checkpoint.
namespace sd::test {
using namespace models;
using namespace runtime;
using namespace text;

namespace {

using nlohmann::json;

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

PromptSettings settings_of(const json& from) {
  static const std::map<std::string, Emphasis> kModes = {{"Original", Emphasis::kOriginal},
                                                         {"No norm", Emphasis::kNoNorm},
                                                         {"Ignore", Emphasis::kIgnore},
                                                         {"None", Emphasis::kNone}};
  PromptSettings settings{.syntax = PromptSyntax::kWebUi};
  settings.clip_skip = from.value("CLIP_stop_at_last_layers", 1);
  settings.comma_backtrack = from.value("comma_padding_backtrack", 20);
  settings.emphasis = kModes.at(from.value("emphasis", "Original"));
  if (from.value("use_old_emphasis_implementation", false)) settings.emphasis = Emphasis::kOld;
  return settings;
}

class WebUiConditionings : public testing::Test {
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
    embeddings_ = load_embeddings(prompts_ / "embeddings", model_->text_encoder->width());
    names_ = EmbeddingNames(*tokenizer_, embeddings_.names());
  }

  at::Tensor encode(const TextBatch& batch, const PromptSettings& settings) const {
    return encode_batch(
        [this](const TextInputs& inputs) { return model_->text_encoder->encode(inputs); }, batch,
        embeddings_.embeddings, settings);
  }

  TextBatch batch_of(const std::vector<std::string>& texts, const PromptSettings& settings) const {
    TextBatch batch{.texts = {}, .counts = {}, .filling = empty_chunk(*tokenizer_)};
    for (const std::string& text : texts) {
      batch.texts.push_back(chunk_prompt(text, settings, *tokenizer_, names_));
      batch.counts.push_back(1);
    }
    return batch;
  }

  json fixes(const Chunk& chunk) const {
    json list = json::array();
    for (const Injected& one : chunk.embeddings) {
      list.push_back({one.offset, names_[one.embedding].name});
    }
    return list;
  }

  void expect_chunks(const TextBatch& batch, const json& expected) const {
    ASSERT_EQ(batch.texts.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(batch.texts[i].chunks.size(), expected[i].size());
      for (size_t k = 0; k < expected[i].size(); ++k) {
        const Chunk& chunk = batch.texts[i].chunks[k];
        EXPECT_EQ(json(chunk.ids), expected[i][k].at("tokens"));
        EXPECT_EQ(json(chunk.weights), expected[i][k].at("multipliers"));
        EXPECT_EQ(fixes(chunk), expected[i][k].at("fixes"));
      }
    }
  }

  const std::filesystem::path prompts_ = a1111_dir() / "prompts";
  c10::InferenceMode inference_;
  std::unique_ptr<LatentDiffusion> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  EmbeddingSet embeddings_;
  EmbeddingNames names_;
};

TEST_F(WebUiConditionings, AreTheWebUis) {
  const GoldenTensors goldens(prompts_ / "cond.safetensors");
  const json all = read_json(prompts_ / "cond.json");
  int compared = 0;
  for (const json& item : all.at("cases")) {
    const std::string id = item.at("id");
    SCOPED_TRACE(id + ": " + item.at("texts").dump().substr(0, 200));
    const PromptSettings settings = settings_of(item.at("settings"));
    const TextBatch batch = batch_of(item.at("texts"), settings);
    if (item.contains("chunks")) expect_chunks(batch, item.at("chunks"));
    const auto expected = goldens.f32(id);
    const at::Tensor ours = encode(batch, settings);
    ASSERT_EQ(ours.sizes().vec(), expected.shape);
    const at::Tensor theirs = tensor_of(expected);
    EXPECT_LE((ours - theirs).abs().max().item<double>(), 1e-4);
    ++compared;
  }
  EXPECT_EQ(compared, 60);
}

TEST_F(WebUiConditionings, HoldEmbeddingsOfSeveralPrograms) {
  const auto ti = reference_dir() / ".." / "models" / "ti";
  if (!std::filesystem::exists(ti)) GTEST_SKIP() << "no embeddings at " << ti;
  embeddings_ = load_embeddings(ti / "files", model_->text_encoder->width());
  names_ = EmbeddingNames(*tokenizer_, embeddings_.names());
  const PromptSettings settings{.syntax = PromptSyntax::kWebUi};
  for (const char* id : {"e01-one", "e02-four", "e03-two-files"}) {
    std::string prompt;
    const json info = read_json(ti / "cases" / id / "case.json");
    for (const std::string text : info.at("parts")) {
      const std::filesystem::path part = text;
      prompt +=
          (prompt.empty() ? "" : " ") + (may_hold_embedding(part) ? part.stem() : part).string();
    }
    const auto expected = GoldenTensors(ti / "cases" / id / "tensors.safetensors").f32("cond");
    const at::Tensor theirs = tensor_of(expected);
    const at::Tensor ours = encode(batch_of({prompt}, settings), settings);
    EXPECT_LE((ours - theirs).abs().max().item<double>(), 2e-5) << prompt;
  }
}

TEST_F(WebUiConditionings, CountATextAsOftenAsItStands) {
  const PromptSettings settings{.syntax = PromptSyntax::kWebUi};
  TextBatch once = batch_of({"a (red:1.4) cat", "a (blue:0.3) [dog]"}, settings);
  once.counts = {2, 1};
  const TextBatch all =
      batch_of({"a (red:1.4) cat", "a (blue:0.3) [dog]", "a (red:1.4) cat"}, settings);
  const at::Tensor difference = encode(once, settings) - encode(all, settings).narrow(0, 0, 2);
  EXPECT_LE(difference.abs().max().item<double>(), 1e-6);
}

TEST_F(WebUiConditionings, KnowTheEmbeddings) {
  const json expected = read_json(prompts_ / "cond.json").at("embeddings");
  ASSERT_EQ(embeddings_.embeddings.size(), expected.at("loaded").size());
  for (const TextEmbedding& one : embeddings_.embeddings) {
    const json& entry = expected.at("loaded").at(one.name);
    EXPECT_EQ(one.file.filename(), entry.at("file").get<std::string>());
    EXPECT_EQ(one.vectors.size(0), entry.at("vectors"));
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(one.vectors[0][i].item<float>(), entry.at("first").at(static_cast<size_t>(i)));
    }
    EXPECT_EQ(json(tokenizer_->content(one.name)), entry.at("ids"));
  }
  ASSERT_EQ(embeddings_.skipped.size(), 1u);
  EXPECT_EQ(embeddings_.skipped[0].file.filename(), "wide.pt");
  EXPECT_NE(embeddings_.skipped[0].reason.find("the text encoder's 32"), std::string::npos);
}

}  // namespace
}  // namespace sd::test
