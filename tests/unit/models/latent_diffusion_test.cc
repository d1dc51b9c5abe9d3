// The networks of configs of every kind, over checkpoints that a test makes in memory.

#include "models/latent_diffusion.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "models/autoencoder.h"
#include "models/random_checkpoint.h"
#include "models/stored_schedule.h"
#include "runtime/noise.h"
#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace sampling;
using namespace weights;

namespace {

using nlohmann::json;
using Tensors = std::map<std::string, at::Tensor>;

ModelConfig read(const json& config) {
  const TempFolder folder;
  return read_model_config(write_config(folder, config));
}

/// A checkpoint of the config with the weights of the formula.
Tensors formula_weights(const ModelConfig& config) {
  Tensors tensors;
  for (const auto& [name, shape] : wanted_tensors(config)) {
    at::Tensor tensor = at::empty(shape, at::kFloat);
    fill_by_formula(name, shape, tensor.mutable_data_ptr<float>());
    tensors[name] = tensor;
  }
  return tensors;
}

LatentDiffusion load(const Tensors& tensors, const ModelConfig& config,
                     WeightChoice weights = WeightChoice::kConfig) {
  const auto file = std::make_shared<const Checkpoint>("a test's weights", tensors);
  return load_latent_diffusion(one_file_source(file, config, weights), CoderParts::kBoth,
                               ExecPolicy());
}

/// The text tower with a vocabulary that costs nothing.
ModelConfig small_vocabulary(ModelConfig config) {
  config.clip_text.vocab_size = 50;
  return config;
}

// The values of fullsize/info.json among the reference's outputs.
TEST(Formula, GivesTheValuesThatTheReferenceWasGiven) {
  struct Known {
    const char* name;
    std::vector<int64_t> shape;
    std::vector<float> first;
  };
  const Known known[] = {
      {"model.diffusion_model.input_blocks.0.0.weight",
       {320, 4, 3, 3},
       {0.0939270406961441F, 0.21736834943294525F, -0.09621737897396088F, -0.1475996971130371F,
        0.093998484313488F, 0.1906667798757553F}},
      {"first_stage_model.decoder.conv_in.weight",
       {512, 4, 3, 3},
       {-0.16557763516902924F, 0.21354646980762482F, 0.17226015031337738F, -0.15159443020820618F,
        -0.056617796421051025F, -0.08479953557252884F}},
      {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
       {100, 768},
       {0.019296318292617798F, 0.04417499154806137F, 0.03604593873023987F, -0.00039412081241607666F,
        -0.05112604796886444F, 0.008261799812316895F}},
      {"input.unet_x",  // fan-in 1: the deviation of the inputs
       {6, 1},
       {0.6572315692901611F, 0.6110239624977112F, 0.7158349752426147F, 0.5745104551315308F,
        0.12472835183143616F, -0.2846469283103943F}},
  };
  for (const Known& tensor : known) {
    const at::Tensor values = at::empty(tensor.shape, at::kFloat);
    fill_by_formula(tensor.name, tensor.shape, values.mutable_data_ptr<float>());
    const at::Tensor first = values.flatten().narrow(0, 0, 6).clone();
    EXPECT_TRUE(at::equal(first, at::tensor(tensor.first))) << tensor.name;
  }
}

TEST(Formula, FillsVectorsByTheirRole) {
  std::vector<float> values(3, 5);
  fill_by_formula("norm.weight", {3}, values.data());
  EXPECT_EQ(values, std::vector<float>({1, 1, 1}));
  fill_by_formula("norm.bias", {3}, values.data());
  EXPECT_EQ(values, std::vector<float>({0, 0, 0}));
}

/// A change of the small model's UNet, and a few tensors that it must then ask for, or not.
struct Variant {
  const char* name;
  std::map<std::string, json> changes;
  std::vector<std::pair<std::string, std::vector<int64_t>>> asks;
  std::vector<std::string> leaves_out;
};

const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {
      {"plain",
       {},
       {{"input_blocks.0.0.weight", {32, 4, 3, 3}},
        {"input_blocks.2.0.op.weight", {32, 32, 3, 3}},
        {"input_blocks.3.0.skip_connection.weight", {64, 32, 1, 1}},
        {"middle_block.1.proj_in.weight", {64, 64, 1, 1}},
        {"output_blocks.1.2.conv.weight", {64, 64, 3, 3}},
        {"output_blocks.3.0.in_layers.2.weight", {32, 64, 3, 3}},
        {"out.2.weight", {4, 32, 3, 3}}},
       {"input_blocks.4.0.in_layers.0.weight"}},
      {"heads by their width",
       {{"num_heads", nullptr}, {"num_head_channels", 8}},
       {{"middle_block.1.transformer_blocks.0.attn2.to_k.weight", {64, 32}}},
       {}},
      {"heads that do not divide the channels",  // the reference drops the rest
       {{"num_heads", 5}},
       {{"middle_block.1.proj_in.weight", {60, 64, 1, 1}},
        {"middle_block.1.proj_out.weight", {64, 60, 1, 1}}},
       {}},
      {"two transformer blocks",
       {{"transformer_depth", 2}},
       {{"middle_block.1.transformer_blocks.1.ff.net.0.proj.weight", {512, 64}}},
       {}},
      {"three levels, the last alike",
       {{"channel_mult", json::array({1, 2, 2})}, {"attention_resolutions", json::array({4})}},
       {{"input_blocks.5.0.in_layers.2.weight", {64, 64, 3, 3}},
        {"input_blocks.5.1.proj_in.weight", {64, 64, 1, 1}},
        {"output_blocks.5.0.out_layers.3.weight", {32, 32, 3, 3}}},
       {"input_blocks.1.1.proj_in.weight"}},
      {"resampling without weights",
       {{"conv_resample", false}},
       {},
       {"input_blocks.2.0.op.weight", "output_blocks.1.2.conv.weight"}},
      {"scale and shift from the time embedding",
       {{"use_scale_shift_norm", true}},
       {{"input_blocks.1.0.emb_layers.1.weight", {64, 128}}},
       {}},
      {"residual blocks that resample",
       {{"resblock_updown", true}},
       {{"input_blocks.2.0.in_layers.2.weight", {32, 32, 3, 3}},
        {"output_blocks.1.2.out_layers.3.weight", {64, 64, 3, 3}}},
       {"input_blocks.2.0.op.weight"}},
      {"one level, three blocks, other groups",
       {{"channel_mult", json::array({1})},
        {"num_res_blocks", 3},
        {"num_groups", 4},
        {"model_channels", 12},
        {"num_heads", 3}},
       {{"input_blocks.3.0.in_layers.2.weight", {12, 12, 3, 3}}},
       {"input_blocks.4.0.op.weight"}},
  };
  return all;
}

ModelConfig variant_config(const Variant& variant) {
  json config = tiny_config();
  for (const auto& [key, value] : variant.changes) params_of(config, {"unet_config"})[key] = value;
  return small_vocabulary(read(config));
}

TEST(Networks, AskForTheReferencesTensors) {
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    std::map<std::string, std::vector<int64_t>> names;
    for (const auto& [name, shape] : wanted_tensors(variant_config(variant))) {
      EXPECT_TRUE(names.emplace(name, shape).second) << name << " is asked for twice";
    }
    const std::string unet = "model.diffusion_model.";
    for (const auto& [name, shape] : variant.asks) EXPECT_EQ(names[unet + name], shape) << name;
    for (const auto& name : variant.leaves_out) EXPECT_EQ(names.count(unet + name), 0U) << name;
  }
}

TEST(Networks, RunInEveryShapeOfConfig) {
  const c10::InferenceMode inference;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    const ModelConfig config = variant_config(variant);
    const LatentDiffusion model = load(formula_weights(config), config);
    const at::Tensor x = PhiloxNoise(1).normal({3, 4, 8, 16});
    const at::Tensor context = PhiloxNoise(2).normal({3, 77, 32});
    const at::Tensor eps = (*model.unet)(x, 500, context);
    ASSERT_EQ(eps.sizes(), x.sizes());
    EXPECT_TRUE(eps.is_contiguous());
    EXPECT_TRUE(at::isfinite(eps).all().item<bool>());
    EXPECT_GT(eps.std().item<double>(), 0.01);
    // Rows do not know of each other, time and context have their say.
    const at::Tensor row = (*model.unet)(x.narrow(0, 1, 1), 500, context.narrow(0, 1, 1));
    EXPECT_LT((row - eps.narrow(0, 1, 1)).abs().max().item<double>(), 1e-4);
    EXPECT_GT(((*model.unet)(x, 20, context) - eps).abs().max().item<double>(), 1e-3);
    EXPECT_GT(((*model.unet)(x, 500, -context) - eps).abs().max().item<double>(), 1e-3);
  }
}

TEST(Networks, FastKernelsAndPlainOnesAgree) {
  const c10::InferenceMode inference;
  const ModelConfig config = variant_config(variants().front());
  const auto checkpoint = std::make_shared<const Checkpoint>("weights", formula_weights(config));
  const WeightView root(checkpoint);
  const UNet fast(root["model.diffusion_model"], config.unet, KernelPolicy{.isa = probe_isa()});
  const UNet plain(root["model.diffusion_model"], config.unet, KernelPolicy{.plain = true});
  const at::Tensor x = PhiloxNoise(1).normal({2, 4, 8, 8});
  const at::Tensor context = PhiloxNoise(2).normal({2, 77, 32});
  EXPECT_LT((fast(x, 3.5, context) - plain(x, 3.5, context)).abs().max().item<double>(), 1e-4);
}

TEST(Networks, TheTimeEmbeddingIsOfCosinesThenSines) {
  const at::Tensor embedding = timestep_embedding(250.5, 7);
  ASSERT_EQ(embedding.sizes(), at::IntArrayRef({1, 7}));
  for (int64_t i = 0; i < 3; ++i) {
    const double angle = 250.5 * std::exp(-std::log(10000.0) * static_cast<double>(i) / 3);
    EXPECT_NEAR(embedding[0][i].item<double>(), std::cos(angle), 3e-5);
    EXPECT_NEAR(embedding[0][3 + i].item<double>(), std::sin(angle), 3e-5);
  }
  EXPECT_EQ(embedding[0][6].item<double>(), 0);
}

TEST(Networks, AutoencodersOfEveryKindGoThereAndBack) {
  const c10::InferenceMode inference;
  const std::vector<std::pair<const char*, json>> changes = {
      {"ch_mult", json::array({1, 2})},
      {"attn_resolutions", json::array({64, 8})},
      {"resamp_with_conv", false},
      {"ch_mult", json::array({2, 1, 2})},
      {"num_res_blocks", 2},
      {"z_channels", 6}};
  for (const auto& [key, value] : changes) {
    SCOPED_TRACE(std::string(key) + " " + value.dump());
    json changed = tiny_config();
    params_of(changed, {"first_stage_config"})["ddconfig"][key] = value;
    const ModelConfig config = small_vocabulary(read(changed));
    const LatentDiffusion model = load(formula_weights(config), config);
    const int64_t factor = config.first_stage.factor();
    const at::Tensor picture = PhiloxNoise(3).normal({2, 3, 4 * factor, 3 * factor});
    const at::Tensor noise = at::zeros({2, 4, 4, 3});
    const at::Tensor latent = model.encode(picture, noise);
    ASSERT_EQ(latent.sizes(), noise.sizes());
    const at::Tensor mean = model.coder->encode(picture, {}).narrow(1, 0, 4);
    EXPECT_LT((latent - mean * 0.18215).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(model.decode(latent).sizes(), picture.sizes());
    EXPECT_TRUE(at::isfinite(model.decode(latent)).all().item<bool>());
  }
}

TEST(Networks, AVarianceIsKeptWithinBounds) {
  const at::Tensor moments = at::cat({at::zeros({1, 1, 1, 2}), at::full({1, 1, 1, 2}, 100.0)}, 1);
  const double most = sample_posterior(moments, at::ones({1, 1, 1, 2})).max().item<double>();
  EXPECT_FLOAT_EQ(static_cast<float>(most), std::exp(10.0F));
}

ModelConfig tiny() { return small_vocabulary(read(tiny_config())); }

TEST(LoadLatentDiffusion, NamesEverythingThatIsMissingOrMisshapen) {
  Tensors tensors = formula_weights(tiny());
  const std::vector<std::string> missing = {
      "model.diffusion_model.out.2.bias", "first_stage_model.encoder.conv_in.weight",
      "cond_stage_model.transformer.text_model.final_layer_norm.weight",
      "first_stage_model.quant_conv.bias"};
  for (const std::string& name : missing) tensors.erase(name);
  const std::string misshapen = "model.diffusion_model.time_embed.0.weight";
  tensors[misshapen] = at::zeros({3, 5});
  try {
    load(tensors, tiny());
    FAIL() << "loaded a damaged checkpoint";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_NE(std::string(error.what()).find("4 missing and 1 misshapen"), std::string::npos)
        << error.what();
    ASSERT_EQ(error.details().size(), 5U);
    const auto named = [&](const std::string& line) {
      return std::count(error.details().begin(), error.details().end(), line);
    };
    EXPECT_EQ(named(misshapen + " expected [128, 32], found [3, 5]"), 1);
    EXPECT_EQ(named("model.diffusion_model.out.2.bias expected [4], found none"), 1);
    for (const std::string& name : missing) {
      EXPECT_TRUE(std::any_of(error.details().begin(), error.details().end(),
                              [&](const std::string& line) { return line.starts_with(name); }))
          << name;
    }
  }
}

TEST(LoadLatentDiffusion, TakesTheAveragedWeightsWhereAsked) {
  const ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  expect_error(ErrorKind::kCheckpoint, "no model_ema.* tensors",
               [&] { load(tensors, config, WeightChoice::kEma); });
  ModelConfig wants = config;
  wants.use_ema = true;
  expect_error(ErrorKind::kCheckpoint, "use_ema: True",
               [&] { load(tensors, wants, WeightChoice::kConfig); });
  EXPECT_FALSE(load(tensors, wants, WeightChoice::kPlain).source.ema);

  // Averaged weights: all zeros in the last layer, so that the noise is zero, too.
  for (const auto& [name, tensor] : Tensors(tensors)) {
    const std::string prefix = "model.diffusion_model.";
    if (!name.starts_with(prefix)) continue;
    std::string averaged = name.substr(6);
    std::erase(averaged, '.');
    const bool last = name.starts_with(prefix + "out.2.");
    tensors["model_ema." + averaged] = last ? at::zeros_like(tensor) : tensor;
  }
  const c10::InferenceMode inference;
  const at::Tensor x = at::ones({1, 4, 8, 8});
  const at::Tensor context = at::ones({1, 77, 32});
  for (const auto& [chosen, ema] : {std::pair(WeightChoice::kEma, true),
                                    {WeightChoice::kConfig, true},
                                    {WeightChoice::kPlain, false}}) {
    const LatentDiffusion model = load(tensors, wants, chosen);
    EXPECT_EQ(model.source.ema, ema);
    EXPECT_EQ((*model.unet)(x, 1, context).abs().max().item<double>() == 0, ema);
  }
  EXPECT_FALSE(load(tensors, config, WeightChoice::kConfig).source.ema);
}

TEST(LoadLatentDiffusion, TheCheckpointsScheduleWins) {
  const ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  EXPECT_FLOAT_EQ(load(tensors, config).schedule.alphas_cumprod()[0], 0.99915F);
  tensors["alphas_cumprod"] = at::linspace(0.75, 0.25, 1000).to(at::kHalf);
  const NoiseSchedule schedule = load(tensors, config).schedule;
  EXPECT_EQ(schedule.alphas_cumprod().front(), 0.75F);
  EXPECT_EQ(schedule.alphas_cumprod().back(), 0.25F);
}

TEST(LoadLatentDiffusion, AStoredScheduleThatCannotBeUsedGivesWayToTheConfigs) {
  const ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  const std::vector<float> expected = load(tensors, config).schedule.alphas_cumprod();
  const at::Tensor sound = at::tensor(expected);
  const auto with = [&](int64_t t, float value) {
    at::Tensor changed = sound.clone();
    changed[t] = value;
    return changed;
  };
  const std::vector<std::pair<const char*, at::Tensor>> stored = {
      {"bfloat16", sound.to(at::kBFloat16)},
      {"float8", sound.to(at::kFloat8_e4m3fn)},
      {"whole numbers", sound.to(at::kLong)},
      {"ones", at::ones({1000})},
      {"all below 0", at::full({1000}, -1.0F)},
      {"two models' sum", sound * 2},
      {"another length", at::linspace(0.9, 0.1, 500)},
      {"another shape", sound.view({1000, 1})},
      {"a one", with(1, 1.0F)},
      {"a zero", with(999, 0.0F)},
      {"not a number", with(500, NAN)},
      {"a rise", with(500, expected[498])},
      {"a level", with(500, expected[499])},
  };
  for (const auto& [what, tensor] : stored) {
    SCOPED_TRACE(what);
    tensors["alphas_cumprod"] = tensor;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(load(tensors, config).schedule.alphas_cumprod(), expected);
    const std::string said = ::testing::internal::GetCapturedStderr();
    const size_t at = said.find("schedule: the checkpoint's alphas_cumprod");
    ASSERT_NE(at, std::string::npos) << said;
    EXPECT_EQ(said.find("schedule:", at + 1), std::string::npos) << said;
    EXPECT_NE(said.find("the config's is used"), std::string::npos) << said;
  }
}

TEST(LoadLatentDiffusion, AStoredScheduleOfHalfOrDoublePrecisionStays) {
  const ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  const at::Tensor sound = at::tensor(load(tensors, config).schedule.alphas_cumprod());
  at::Tensor level = sound.to(at::kHalf);
  level[700] = level[699];
  at::Tensor first = sound.clone();
  first[0] = 1.0F;
  for (const at::Tensor& tensor : {sound.to(at::kHalf), sound.to(at::kDouble), level, first}) {
    tensors["alphas_cumprod"] = tensor;
    const std::vector<float> taken = load(tensors, config).schedule.alphas_cumprod();
    EXPECT_TRUE(at::equal(at::tensor(taken), tensor.to(at::kFloat)));
  }
}

TEST(LoadLatentDiffusion, StretchesTheScheduleOfAModelThatKnowsPureNoise) {
  ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  const NoiseSchedule plain = load(tensors, config).schedule;
  config.predicts_v = config.zero_snr = true;
  const std::vector<float> expected = plain.with_zero_snr().alphas_cumprod();
  EXPECT_EQ(load(tensors, config).schedule.alphas_cumprod(), expected);
  tensors["alphas_cumprod"] = at::tensor(expected);
  tensors["alphas_cumprod"][999] = 0.0F;  // as it is stored that was stretched in training
  const std::vector<float> taken = load(tensors, config).schedule.alphas_cumprod();
  EXPECT_EQ(taken.back(), expected.back());
  EXPECT_NEAR(taken[500], expected[500], 1e-6);
}

TEST(LoadLatentDiffusion, FindsATextTowerWithoutItsPrefix) {
  const ModelConfig config = tiny();
  const std::string tower = "cond_stage_model.transformer.text_model.";
  Tensors tensors;
  for (const auto& [name, tensor] : formula_weights(config)) {
    const bool is_tower = name.starts_with(tower);
    tensors[is_tower ? "cond_stage_model.transformer." + name.substr(tower.size()) : name] = tensor;
  }
  const at::Tensor ids = at::arange(77, at::kLong).remainder(config.clip_text.vocab_size);
  const at::Tensor short_names = load(tensors, config).text_encoder->encode(ids.view({1, 77}));
  const LatentDiffusion other = load(formula_weights(config), config);
  const at::Tensor full_names = other.text_encoder->encode(ids.view({1, 77}));
  // The formula's values follow from the full names in both.
  EXPECT_TRUE(at::equal(short_names, full_names));
}

TEST(Networks, TakeResiduals) {
  const c10::InferenceMode inference;
  UNetConfig config = tiny().unet;
  const at::Tensor x = PhiloxNoise(1).normal({2, 9, 8, 8});
  const at::Tensor context = PhiloxNoise(3).normal({4, 77, 32});
  config.in_channels = 9;
  const auto make = [&](const WeightView& root) {
    return UNet(root["unet"], config, KernelPolicy{.isa = probe_isa()});
  };
  const WeightView wanted(std::make_shared<const Checkpoint>("nothing", Tensors()));
  make(wanted);
  Tensors tensors;
  for (const auto& [name, shape] : wanted.report().missing()) {
    tensors[name] = at::empty(shape, at::kFloat);
    fill_by_formula(name, shape, tensors[name].mutable_data_ptr<float>());
  }
  const UNet unet = make(WeightView(std::make_shared<const Checkpoint>("weights", tensors)));
  const PreparedContext prepared = unet.prepare(context);
  const at::Tensor expected = unet(x, 500, prepared);
  // Five places of a UNet of two levels with one block each, and the middle.
  UNetInputs with_residuals{x, 500, prepared};
  for (const int64_t channels : {32, 32, 32, 64}) {
    const int64_t side = with_residuals.residuals.size() < 2 ? 8 : 4;
    with_residuals.residuals.push_back(at::zeros({2, channels, side, side}));
  }
  with_residuals.residuals.push_back(at::zeros({2, 64, 4, 4}));
  EXPECT_TRUE(at::equal(unet(with_residuals), expected));
  with_residuals.residuals[2] += 1;
  EXPECT_GT((unet(with_residuals) - expected).abs().max().item<double>(), 1e-3);
  with_residuals.residuals.pop_back();
  expect_error(ErrorKind::kInternal, "expected residuals of 5, found 4",
               [&] { unet(with_residuals); });
  expect_error(ErrorKind::kInternal, "expected input channels of 9, found 4",
               [&] { unet(x.narrow(1, 0, 4), 500, prepared); });
}

TEST(LoadLatentDiffusion, StopsAtEndlessLayers) {
  ModelConfig config = tiny();
  const Tensors tensors = formula_weights(config);
  config.unet.num_res_blocks = 1'000'000;
  expect_error(ErrorKind::kCheckpoint, "tensors that are not there, and for more",
               [&] { load(tensors, config); });
}

double scale_factor_of(const Tensors& tensors, const ModelConfig& config) {
  return load_scale_factor(WeightView(std::make_shared<const Checkpoint>("a test's", tensors)),
                           config);
}

TEST(LoadLatentDiffusion, TakesTheScaleFactorOfATrainingByDeviation) {
  ModelConfig config = tiny();
  Tensors tensors = formula_weights(config);
  tensors["scale_factor"] = at::scalar_tensor(0.5, at::kFloat);
  EXPECT_EQ(scale_factor_of(tensors, config), 0.18215);
  config.scale_by_std = true;
  EXPECT_EQ(scale_factor_of(tensors, config), 0.5);
  for (const float value : {0.0F, NAN, INFINITY}) {
    tensors["scale_factor"] = at::scalar_tensor(value, at::kFloat);
    EXPECT_EQ(scale_factor_of(tensors, config), 0.18215);
  }
}

TEST(TextEncoder, IsCausalAndGivesOneVectorAnId) {
  const c10::InferenceMode inference;
  const ModelConfig config = tiny();
  const LatentDiffusion model = load(formula_weights(config), config);
  EXPECT_EQ(model.text_encoder->vocab_size(), 50);
  const at::Tensor ids = at::arange(154, at::kLong).remainder(50).reshape({2, 77});
  const at::Tensor encoded = model.text_encoder->encode(ids);
  ASSERT_EQ(encoded.sizes(), at::IntArrayRef({2, 77, 32}));
  at::Tensor changed = ids.clone();
  changed.select(1, 40).fill_(7);
  const at::Tensor moved = (model.text_encoder->encode(changed) - encoded).abs().amax({0, 2});
  EXPECT_LT(moved.narrow(0, 0, 40).max().item<double>(), 1e-5);
  EXPECT_GT(moved.narrow(0, 40, 37).min().item<double>(), 1e-5);
}

TEST(TextEncoder, BertOfAnyDepth) {
  const c10::InferenceMode inference;
  json config = tiny_config();
  params_of(config)["cond_stage_config"] = {
      {"target", "ldm.modules.encoders.modules.BERTEmbedder"},
      {"params", {{"n_embed", 32}, {"n_layer", 2}, {"vocab_size", 60}}}};
  const ModelConfig bert = read(config);
  const LatentDiffusion model = load(formula_weights(bert), bert);
  const at::Tensor ids = at::arange(77, at::kLong).remainder(60).reshape({1, 77});
  const at::Tensor encoded = model.text_encoder->encode(ids);
  EXPECT_EQ(encoded.sizes(), at::IntArrayRef({1, 77, 32}));
  at::Tensor changed = ids.clone();
  changed.select(1, 76).fill_(7);  // no mask: the last word is seen by the first
  EXPECT_GT((model.text_encoder->encode(changed) - encoded)[0][0].abs().max().item<double>(), 1e-6);
}

TEST(LatentDiffusion, BuildsItsEncoderAtItsFirstUse) {
  const c10::InferenceMode inference;
  const ModelConfig config = small_vocabulary(read(tiny_config()));
  Tensors tensors = formula_weights(config);
  const auto later = [&] {
    const auto file = std::make_shared<const Checkpoint>("a test's weights", tensors);
    return load_latent_diffusion(one_file_source(file, config, WeightChoice::kConfig),
                                 CoderParts::kDecoderFirst, ExecPolicy());
  };
  const at::Tensor x = PhiloxNoise(1).normal({1, 3, 64, 64});
  const at::Tensor noise = PhiloxNoise(2).normal({1, 4, 8, 8});
  const LatentDiffusion model = later();
  const at::Tensor latent = model.encode(x, noise);
  EXPECT_TRUE(at::equal(latent, load(tensors, config).encode(x, noise)));
  EXPECT_TRUE(at::equal(latent, model.encode(x, noise)));
  // What is wrong with it is told at once.
  tensors.erase("first_stage_model.quant_conv.bias");
  tensors["first_stage_model.encoder.conv_in.weight"] = at::zeros({1, 2});
  expect_error(ErrorKind::kCheckpoint, "first_stage_model.", later);
}

}  // namespace
}  // namespace sd::test
