// What PEFT's adapter_config.json says of an adapter, and the parts that only PEFT writes.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/memory_adapter.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace sd::test {
using namespace models;

namespace {

constexpr const char* kPeftLayer = "base_model.model.mid_block.attentions.0.proj_in";
constexpr const char* kBias = "model.diffusion_model.middle_block.1.proj_in.bias";

std::string part(const char* end) { return std::string(kPeftLayer) + end; }

/// An adapter in PEFT's own files.
class PeftFiles {
 public:
  PeftFiles(const Tensors& tensors, const std::string& config)
      : path_(write_tensors(folder_ / "adapter_model.safetensors", tensors)) {
    folder_.write("adapter_config.json", config);
  }
  AdapterFile read() const { return read_adapter(path_); }
  double number(const std::string& layer, AdapterRole role) const {
    return read().layers.at(layer).number(role, -1);
  }

 private:
  TempFolder folder_;
  std::string path_;
};

Tensors loha() {
  return {{part(".hada_w1_a"), at::ones({32, 2})},
          {part(".hada_w1_b"), at::ones({2, 32})},
          {part(".hada_w2_a"), at::ones({32, 2})},
          {part(".hada_w2_b"), at::ones({2, 32})}};
}

Tensors lokr() {
  return {{part(".lokr_w1"), at::ones({4, 4})}, {part(".lokr_w2"), at::ones({8, 8, 1, 1})}};
}

TEST(PeftConfig, ScalesLohaAndLokr) {
  const auto scale = [](const Tensors& tensors, const std::string& config) {
    return PeftFiles(tensors, config).number(kPeftLayer, AdapterRole::kScale);
  };
  EXPECT_EQ(scale(loha(), R"({"alpha": 6, "r": 2})"), 3);
  EXPECT_EQ(scale(loha(), R"({"alpha": 6, "r": 2, "alpha_pattern": {"proj_in": 2}})"), 1);
  EXPECT_EQ(scale(loha(), R"({"alpha": 6})"), 3);  // the tensors have a rank
  EXPECT_EQ(scale(loha(), R"({"alpha": "6"})"), -1);
  EXPECT_EQ(scale(lokr(), R"({"alpha": 6, "r": 4})"), 1.5);
  EXPECT_EQ(scale(lokr(), R"({"alpha": 6, "r": 4, "rank_pattern": {"proj_in": 2}})"), 3);
  EXPECT_EQ(scale(lokr(), R"({"alpha": 6, "r": 0})"), -1);
  EXPECT_EQ(scale(lokr(), R"({"peft_type": "LOKR", "alpha": 6, "r": 4, "exclude_modules": null})"),
            1.5);
  EXPECT_EQ(scale(lokr(), R"({"peft_type": "LOKR", "alpha": 6, "r": 4})"), 1);  // before 0.14
}

/// The ends of a config of PEFT's own LoRA, whose keys tell its version.
constexpr const char* kPeft13 = R"("peft_type": "LORA"})";
constexpr const char* kPeft14 = R"("peft_type": "LORA", "exclude_modules": 0, "lora_bias": false})";
constexpr const char* kPeft15 = R"("peft_type": "LORA", "exclude_modules": 0, "lora_bias": false,
                                   "trainable_token_indices": null})";

/// The patterns of a config, and the alpha of mid_block.attentions.0.proj_in, elsewhere 3, in these
/// three versions.
struct VersionedAlpha {
  const char* patterns;
  double of_13, of_14, of_15;
};

// Expected: what the lookups of peft/tuners/lora/model.py (0.13.2, 0.14.0, 0.15.2) find.
TEST(PeftConfig, LooksAlphasUpAsItsVersion) {
  const VersionedAlpha cases[] = {
      {R"("alpha_pattern": {"proj_in": 7})", 7, 7, 7},
      {R"("rank_pattern": {"proj_in": 2}, "alpha_pattern": {"0.proj_in": 7})", 3, 7, 7},
      {R"("rank_pattern": {"proj_in": 2}, "alpha_pattern": {"proj_in": 7})", 7, 7, 7},
      {R"("alpha_pattern": {"mid_block.attentions.0.proj_in": 7})", 7, 7, 7},
      {R"("alpha_pattern": {"mid_block.*": 7})", 3, 3, 7},
      {R"("alpha_pattern": {"^mid_block.*": 7})", 3, 3, 7},
      {R"("alpha_pattern": {"attentions.*": 7})", 7, 7, 7}};
  for (const VersionedAlpha& one : cases) {
    const auto alpha = [&](const std::string& end) {
      const std::string config = std::string(R"({"lora_alpha": 3, )") + one.patterns + ", " + end;
      return PeftFiles(lora(kPeftLayer, 32, 32), config).number(kPeftLayer, AdapterRole::kAlpha);
    };
    EXPECT_EQ(alpha(kPeft13), one.of_13) << one.patterns;
    EXPECT_EQ(alpha(kPeft14), one.of_14) << one.patterns;
    EXPECT_EQ(alpha(kPeft15), one.of_15) << one.patterns;
  }
}

/// LoHa's and LoKr's configs of 0.14 look like those of 0.15, which looks alphas up otherwise.
TEST(PeftConfig, TellsWhereItsVersionCannotBeTold) {
  const std::string patterns =
      R"("rank_pattern": {"proj_in": 2}, "alpha_pattern": {"0.proj_in": 4}})";
  const auto file = [&](const std::string& begin) {
    return PeftFiles(loha(), R"({"peft_type": "LOHA", "alpha": 6, )" + begin + patterns).read();
  };
  const auto scale = [](const AdapterFile& one) {
    return one.layers.at(kPeftLayer).number(AdapterRole::kScale, -1);
  };
  const AdapterFile old = file(""), unknown = file(R"("exclude_modules": null, )"),
                    today = file(R"("exclude_modules": null, "peft_version": "0.18.0", )");
  EXPECT_EQ(scale(old), 3);
  EXPECT_EQ(scale(unknown), 2);
  EXPECT_EQ(scale(today), 2);
  EXPECT_TRUE(old.notes.empty());
  EXPECT_EQ(unknown.notes.size(), 1U);
  EXPECT_TRUE(today.notes.empty());
}

/// PEFT sorts the patterns of a file: which the trainer wrote first cannot be told.
TEST(PeftConfig, TakesTheFirstOfSeveralPatternsAndSaysSo) {
  const auto read = [](const char* patterns) {
    const std::string config = std::string(R"({"lora_alpha": 3, "alpha_pattern": )") + patterns;
    return PeftFiles(lora(kPeftLayer, 32, 32), config + "}").read();
  };
  const auto alpha = [](const AdapterFile& file) {
    return file.layers.at(kPeftLayer).number(AdapterRole::kAlpha, -1);
  };
  const AdapterFile at_odds = read(R"({"proj_in": 7, "attentions.0.proj_in": 8, "0.proj_in": 9})");
  EXPECT_EQ(alpha(at_odds), 9);
  ASSERT_EQ(at_odds.notes.size(), 1U);
  EXPECT_NE(at_odds.notes[0].find("that of 0.proj_in counts"), std::string::npos);
  const AdapterFile agreed = read(R"({"proj_in": 7, ".*in": 7})");
  EXPECT_EQ(alpha(agreed), 7);
  EXPECT_TRUE(agreed.notes.empty());
}

TEST(PeftConfig, TellsOfBiasesThatWereNotWritten) {
  const auto notes = [](const Tensors& tensors, const std::string& config) {
    return PeftFiles(tensors, config).read().notes.size();
  };
  Tensors tensors = lora(kPeftLayer, 32, 32);
  EXPECT_EQ(notes(tensors, R"({"bias": "none"})"), 0U);
  EXPECT_EQ(notes(tensors, R"({"bias": "lora_only"})"), 1U);
  tensors.emplace(part(".base_layer.bias"), at::ones({32}));
  EXPECT_EQ(notes(tensors, R"({"bias": "lora_only"})"), 0U);
}

TEST(PeftConfig, SaysHowBoftReadAConvolution) {
  const Tensors blocks = {{part(".boft_R"), at::ones({1, 8, 4, 4})}};
  const auto in_memory = [&](const std::string& config) {
    return PeftFiles(blocks, config).number(kPeftLayer, AdapterRole::kInMemory);
  };
  EXPECT_EQ(in_memory(R"({"peft_type": "BOFT"})"), 1);  // before 0.14
  EXPECT_EQ(in_memory(R"({"peft_type": "BOFT", "exclude_modules": null})"), -1);
  EXPECT_EQ(in_memory(R"({"boft_block_size": 4})"), -1);
}

/// A pattern of names, and whether it is of the layer mid_block.attentions.0.proj_in.
struct NamePattern {
  const char* text;
  bool fits;
};

TEST(PeftConfig, ReadsPatternsOfNames) {
  const NamePattern patterns[] = {{"proj_in", true},
                                  {"0.proj_in", true},
                                  {"roj_in", false},
                                  {"^mid_block.attentions.0.proj_in", true},
                                  {"^proj_in", false},
                                  {".*proj_in", true},
                                  {R"(mid_block\.attentions\..*)", true},
                                  {R"(^mid_block\..*_in$)", true},
                                  {"mid.+x?_in", true},
                                  {"a*proj_i+n", true},
                                  {".*proj", false}};
  for (const NamePattern& pattern : patterns) {
    const nlohmann::json config = {{"lora_alpha", 3}, {"alpha_pattern", {{pattern.text, 7}}}};
    const PeftFiles files(lora(kPeftLayer, 32, 32), config.dump());
    EXPECT_EQ(files.number(kPeftLayer, AdapterRole::kAlpha), pattern.fits ? 7 : 3) << pattern.text;
  }
}

TEST(PeftConfig, ThatAsksForMoreIsAnError) {
  const std::pair<const char*, const char*> configs[] = {
      {R"x({"alpha_pattern": {"(a|b)": 1}})x", "found the expression (a|b)"},
      {R"x({"rank_pattern": {"*": 1}})x", "found the expression *"},
      {R"({"use_dora": true})", "expected a lora_magnitude_vector"},
      {R"({"init_lora_weights": "pissa_niter_16"})", "found init_lora_weights pissa_niter_16"},
      {R"({"init_lora_weights": "olora"})", "an adapter for the model as it is"},
      {R"({"peft_type": "VERA"})", "found VERA"},
      {R"({"kasa_config": {"beta": 1}})", "found kasa_config"}};
  for (const auto& [config, said] : configs) {
    const PeftFiles files(lora(kPeftLayer, 32, 32), config);
    expect_error(ErrorKind::kCheckpoint, said, [&] { files.read(); });
  }
}

TEST(PeftConfig, OfAPlainLoraIsNoError) {
  const PeftFiles files(lora(kPeftLayer, 32, 32),
                        R"({"peft_type": "LORA", "init_lora_weights": "gaussian", "bias": "none",
                            "use_qalora": false, "kasa_config": null, "arrow_config": {}})");
  EXPECT_TRUE(files.read().notes.empty());
  const PeftFiles spelled(lora(kPeftLayer, 32, 32), R"({"peft_type": "PeftType.LORA"})");
  EXPECT_NO_THROW(spelled.read());
}

TEST(PeftConfig, SaysHowTheSeriesEnds) {
  const Tensors packed = {{part(".oft_R.weight"), at::ones({4, 28})}};
  const auto twice = [&](const std::string& config) {
    return PeftFiles(packed, config).number(kPeftLayer, AdapterRole::kOftTwice);
  };
  EXPECT_EQ(twice(R"({"use_cayley_neumann": true})"), 1);
  EXPECT_EQ(twice(R"({"use_cayley_neumann": true, "peft_version": "0.18.0"})"), -1);
}

/// IA3 of a convolution of as many inputs as outputs.
TEST(PeftConfig, SaysWhichSideIa3Multiplies) {
  const Tensors factors = {{part(".ia3_l"), at::arange(32, at::kFloat).view({1, 32, 1, 1})}};
  const at::Tensor weight = at::ones({32, 32, 1, 1});
  for (const bool on_input : {true, false}) {
    const PeftFiles files(factors, on_input ? R"({"feedforward_modules": ["proj_in"]})"
                                            : R"({"feedforward_modules": ["ff.net.2"]})");
    const Adapter adapter(files.read(), one_block_names());
    const at::Tensor changed = merged(adapter, kName, weight).view({32, 32});
    EXPECT_EQ(changed[3][5].item<float>(), on_input ? 5 : 3);
    const auto edit = adapter_edit(std::make_shared<const Adapter>(adapter), {});
    EXPECT_EQ(edit.touches(kBias), !on_input);
    if (on_input) continue;
    EXPECT_TRUE(
        at::equal(merged(adapter, kBias, at::full({32}, 2.0F)), 2 * at::arange(32, at::kFloat)));
  }
}

TEST(PeftParts, OfAdaLoraMultiplyTheRanks) {
  const std::string layer = "base_model.model.mid_block.attentions.0.transformer_blocks.0.attn1.";
  Tensors tensors = lora(layer + "to_q", 32, 32);
  tensors.emplace(layer + "to_q.lora_E", at::tensor({0.5F, 2.0F}).view({2, 1}));
  const Adapter adapter = adapter_of(tensors);
  EXPECT_EQ(adapter.kinds(), "AdaLoRA rank 2");
  const at::Tensor changed =
      merged(adapter, "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight",
             at::zeros({32, 32}));
  EXPECT_TRUE(at::allclose(changed, at::full({32, 32}, 2.5F * (2 / 2.00001F))));
}

TEST(PeftParts, ChangeBiases) {
  Tensors tensors = lora(kPeftLayer, 32, 32);
  tensors.emplace(part(".alpha"), at::scalar_tensor(1.0));  // a scale of 1/2
  tensors.emplace(part(".lora_B.bias"), at::full({32}, 4.0F));
  const at::Tensor bias = at::ones({32});
  EXPECT_TRUE(at::equal(merged(adapter_of(tensors), kBias, bias, 0.5), at::full({32}, 2.0F)));
  tensors.erase(part(".lora_B.bias"));
  tensors.emplace(part(".base_layer.bias"), at::full({32}, 4.0F));
  EXPECT_TRUE(at::equal(merged(adapter_of(tensors), kBias, bias, 0.5), at::full({32}, 2.5F)));
}

TEST(PeftParts, OfAnEmbeddingLieOnTheirSides) {
  constexpr int64_t kWords = 49408, kWidth = 16;
  const std::string layer = "text_model.embeddings.token_embedding";
  const at::Tensor a = at::arange(2 * kWords, at::kFloat).sin().view({2, kWords});
  const at::Tensor b = at::arange(2 * kWidth, at::kFloat).cos().view({kWidth, 2});
  const Adapter adapter = adapter_of({{"base_model.model." + layer + ".lora_embedding_A", a},
                                      {"base_model.model." + layer + ".lora_embedding_B", b}});
  const at::Tensor changed = merged(adapter, "cond_stage_model.transformer." + layer + ".weight",
                                    at::zeros({kWords, kWidth}));
  EXPECT_TRUE(at::allclose(changed, at::matmul(b, a).t(), 1e-5, 1e-6));
}

TEST(PeftParts, TakeThePlaceOfWholeLayers) {
  const Adapter adapter = adapter_of(
      {{part(".weight"), at::full({32, 32, 1, 1}, 3.0F)}, {part(".bias"), at::full({32}, 5.0F)}});
  const at::Tensor weight = at::ones({32, 32, 1, 1});
  EXPECT_TRUE(at::equal(merged(adapter, kName, weight), at::full_like(weight, 3)));
  EXPECT_TRUE(at::equal(merged(adapter, kName, weight, 0.5), at::full_like(weight, 2)));
  EXPECT_TRUE(at::equal(merged(adapter, kBias, at::ones({32})), at::full({32}, 5.0F)));
}

TEST(PeftParts, OfKindsThatAreNotComputedAreNamed) {
  const TempFolder folder;
  const std::string path =
      write_tensors(folder / "vera.safetensors", {{part(".vera_lambda_b"), at::ones({32})}});
  expect_error(ErrorKind::kCheckpoint, "found PEFT's VeRA", [&] { read_adapter(path); });
  Tensors kasa = lora(kPeftLayer, 32, 32);
  kasa.emplace(part(".lora_diag"), at::ones({2}));
  const std::string other = write_tensors(folder / "kasa.safetensors", kasa);
  expect_error(ErrorKind::kCheckpoint, "found PEFT's KaSA", [&] { read_adapter(other); });
}

}  // namespace
}  // namespace sd::test
