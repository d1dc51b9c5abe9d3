// Reading the reference's YAML files: what is taken from them, and what is refused by name.

#include "models/model_config.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

ModelConfig read(const json& config) {
  const TempFolder folder;
  return read_model_config(write_config(folder, config));
}

/// What the reading of a config prints.
std::string said_by(const json& config) {
  ::testing::internal::CaptureStderr();
  read(config);
  return ::testing::internal::GetCapturedStderr();
}

TEST(ModelConfig, ReadsStableDiffusion) {
  const ModelConfig config =
      read_model_config(fs::path(SD_SOURCE_DIR) / "configs/stable-diffusion/v1-inference.yaml");
  EXPECT_EQ(config.linear_start, 0.00085);
  EXPECT_EQ(config.linear_end, 0.012);
  EXPECT_EQ(config.timesteps, 1000);
  EXPECT_EQ(config.image_size, 64);
  EXPECT_EQ(config.scale_factor, 0.18215);
  EXPECT_FALSE(config.use_ema);
  EXPECT_EQ(config.unet.model_channels, 320);
  EXPECT_EQ(config.unet.channel_mult, std::vector<int64_t>({1, 2, 4, 4}));
  EXPECT_EQ(config.unet.attention_resolutions, std::vector<int64_t>({4, 2, 1}));
  EXPECT_EQ(config.unet.num_res_blocks, 2);
  EXPECT_EQ(config.unet.num_heads, 8);
  EXPECT_EQ(config.unet.context_dim, 768);
  EXPECT_EQ(config.first_stage.ch, 128);
  EXPECT_EQ(config.first_stage.ch_mult, std::vector<int64_t>({1, 2, 4, 4}));
  EXPECT_EQ(config.first_stage.factor(), 8);
  EXPECT_EQ(config.text_family, TextFamily::kClip);
  EXPECT_EQ(config.clip_text.hidden_size, 768);
  EXPECT_EQ(config.clip_text.num_hidden_layers, 12);
  EXPECT_EQ(config.clip_text.num_attention_heads, 12);
  EXPECT_EQ(config.size_multiple(), 64);
}

TEST(ModelConfig, ReadsTheLaionModel) {
  const ModelConfig config = read_model_config(fs::path(SD_SOURCE_DIR) /
                                               "configs/latent-diffusion/txt2img-1p4B-eval.yaml");
  EXPECT_EQ(config.image_size, 32);
  EXPECT_EQ(config.text_family, TextFamily::kBert);
  EXPECT_EQ(config.bert_text.n_embed, 1280);
  EXPECT_EQ(config.bert_text.n_layer, 32);
  EXPECT_EQ(config.bert_text.vocab_size, 30522);
  EXPECT_EQ(config.unet.context_dim, 1280);
}

TEST(ModelConfig, ReadsTheTextTowerBesideTheFile) {
  const ModelConfig config = read(tiny_config());
  EXPECT_EQ(config.clip_text.hidden_size, 32);
  EXPECT_EQ(config.clip_text.intermediate_size, 64);
  EXPECT_EQ(config.clip_text.num_hidden_layers, 1);
  EXPECT_EQ(config.clip_text.num_attention_heads, 4);
}

TEST(ModelConfig, TakesTheReferencesDefaultsWhereKeysAreLeftOut) {
  json config = tiny_config();
  for (const char* key : {"linear_start", "linear_end", "scale_factor", "use_ema", "image_size"}) {
    params_of(config).erase(key);
  }
  params_of(config, {"unet_config"}).erase("transformer_depth");
  const ModelConfig read_back = read(config);
  EXPECT_EQ(read_back.linear_start, 1e-4);
  EXPECT_EQ(read_back.linear_end, 2e-2);
  EXPECT_EQ(read_back.scale_factor, 1.0);
  EXPECT_TRUE(read_back.use_ema);
  EXPECT_EQ(read_back.unet.transformer_depth, 1);
}

TEST(ModelConfig, SizesFollowTheLevels) {
  json config = tiny_config();
  EXPECT_EQ(read(config).size_multiple(), 64);
  params_of(config, {"unet_config"})["channel_mult"] = {1, 1, 1, 1, 1};
  EXPECT_EQ(read(config).size_multiple(), 128);
}

TEST(ModelConfig, SaysWhichKeysNobodyReads) {
  json config = tiny_config();
  EXPECT_EQ(said_by(config), "");
  params_of(config, {"unet_config"})["num_head"] = 8;
  params_of(config)["monitor"] = "val/loss";  // a key of the reference without bearing on pictures
  const std::string said = said_by(config);
  EXPECT_NE(said.find("unet_config.params.num_head is an unknown key"), std::string::npos) << said;
  EXPECT_EQ(said.find("monitor"), std::string::npos) << said;
}

/// A change of one key, and what the error must name.
struct Damage {
  std::vector<std::string> path;
  std::string key;
  json value;
  std::string named;
};

TEST(ModelConfig, NamesTheKeyThatCannotBeUsed) {
  const std::vector<std::string> top = {};
  const std::vector<std::string> unet = {"unet_config"};
  const std::vector<std::string> vae = {"first_stage_config"};
  const std::vector<std::string> text = {"cond_stage_config"};
  const std::vector<Damage> damages = {
      {top, "linear_start", "much", "linear_start must be a number, found 'much'"},
      {top, "linear_start", -1, "linear_start"},
      {top, "linear_end", 1.5, "linear_start must be between 0 and 1"},
      {top, "timesteps", 0, "timesteps must be a whole number"},
      {top, "timesteps", 1 << 30, "timesteps must be a whole number"},
      {top, "timesteps", 10.5, "timesteps must be a whole number"},
      {top, "timesteps", json::array({1}), "timesteps must be a whole number, found a list"},
      {top, "channels", 8, "channels must be the same as"},
      {top, "scale_factor", 0, "scale_factor must be"},
      {top, "scale_factor", ".nan", "scale_factor must be"},
      {top, "use_ema", "perhaps", "use_ema must be True or False"},
      {top, "beta_schedule", "cosine", "beta_schedule must be 'linear', found 'cosine'"},
      {top, "parameterization", "x0", "parameterization must be eps or v"},
      {top, "conditioning_key", "concat", "conditioning_key must be crossattn"},
      {top, "conditioning_key", "hybrid", "conditioning_key must be crossattn"},
      {top, "unet_config", nullptr, "unet_config must be a map with target and params"},
      {top, "cond_stage_config", "text", "cond_stage_config must be a map"},
      {unet, "model_channels", 48, "model_channels must be such that"},
      {unet, "model_channels", "wide", "model_channels must be a whole number"},
      {unet, "num_res_blocks", 0, "num_res_blocks"},
      {unet, "channel_mult", json::array(), "channel_mult must be a list of 1 to 8"},
      {unet, "channel_mult", json::array({1, 1, 1, 1, 1, 1, 1, 1, 1}), "channel_mult must be"},
      {unet, "channel_mult", json::array({2, 4}), "channel_mult must be a list that begins with 1"},
      {unet, "channel_mult", json::array({1, 0}), "channel_mult must be a list of whole numbers"},
      {unet, "channel_mult", json::array({1, "x"}), "channel_mult must be a list of whole"},
      {unet, "channel_mult", 4, "channel_mult must be a list of whole numbers, found '4'"},
      {unet, "attention_resolutions", "all", "attention_resolutions must be a list"},
      {unet, "num_heads", nullptr, "num_heads must be set"},
      {unet, "num_heads", 0, "num_heads must be a whole number"},
      {unet, "num_heads", 64, "num_heads must be at most the channels"},
      {unet, "context_dim", nullptr, "context_dim must be"},
      {unet, "context_dim", 64, "context_dim must be the width of the text encoder, 32"},
      {unet, "in_channels", 8, "channels must be"},
      {unet, "in_channels", 9, "conditioning_key must be hybrid"},
      {unet, "use_spatial_transformer", false, "use_spatial_transformer must be True"},
      {unet, "dims", 3, "dims must be 2, found '3'"},
      {unet, "num_classes", 10, "num_classes must be no value"},
      {vae, "embed_dim", 3, "channels must be"},
      {vae, "embed_dim", "four", "embed_dim must be a whole number"},
      {vae, "ddconfig", 5, "ddconfig must be a map of keys, found '5'"},
      {text, "version", "no/such-model", "version must be openai/clip-vit-large-patch14"},
      {text, "max_length", 60, "max_length must be 77"},
  };
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.key + " " + damage.value.dump());
    json config = tiny_config();
    params_of(config, damage.path)[damage.key] = damage.value;
    expect_error(ErrorKind::kCheckpoint, damage.named, [&] { read(config); });
  }
}

TEST(ModelConfig, NamesTheKeyOfTheAutoencoderThatCannotBeUsed) {
  const std::vector<std::pair<const char*, json>> damages = {
      {"double_z", false},        {"attn_type", "linear"}, {"ch", 40},
      {"ch_mult", json::array()}, {"out_ch", 4},           {"num_res_blocks", "two"},
      {"tanh_out", true},         {"z_channels", 0}};
  for (const auto& [key, value] : damages) {
    json config = tiny_config();
    params_of(config, {"first_stage_config"})["ddconfig"][key] = value;
    expect_error(ErrorKind::kCheckpoint, std::string("ddconfig.") + key + " must be",
                 [&] { read(config); });
  }
}

TEST(ModelConfig, NamesAClassThatIsNotComputed) {
  const std::vector<std::pair<const char*, const char*>> classes = {
      {"unet_config", "UNetModel"},
      {"first_stage_config", "AutoencoderKL"},
      {"cond_stage_config", "text encoder some.other.Class"}};
  for (const auto& [key, named] : classes) {
    json config = tiny_config();
    params_of(config)[key]["target"] = "some.other.Class";
    expect_error(ErrorKind::kCheckpoint, named, [&] { read(config); });
    params_of(config)[key].erase("target");
    expect_error(ErrorKind::kCheckpoint, std::string(key) + ".target must be",
                 [&] { read(config); });
  }
  json config = tiny_config();
  config["model"]["target"] = "ldm.models.diffusion.ddpm.DDPM";
  expect_error(ErrorKind::kCheckpoint, "LatentDiffusion, found ldm.models.diffusion.ddpm.DDPM",
               [&] { read(config); });
}

TEST(ModelConfig, RefusesFilesThatHoldNoConfig) {
  const TempFolder folder;
  expect_error(ErrorKind::kFile, "absent.yaml", [&] { read_model_config(folder / "absent.yaml"); });
  expect_error(ErrorKind::kFile, "cannot be read", [&] { read_model_config(folder.path()); });
  for (const char* text : {"", "just words", "- a\n- list\n", "model: 5\n", "model:\n"}) {
    const fs::path file = folder.write("config.yaml", text);
    expect_error(ErrorKind::kCheckpoint, "config.model must be a map",
                 [&] { read_model_config(file); });
  }
  for (const char* text : {"a: [1, 2", "a: b: c", "\t- x: {"}) {
    const fs::path file = folder.write("config.yaml", text);
    expect_error(ErrorKind::kCheckpoint, "is not YAML", [&] { read_model_config(file); });
  }
}

TEST(ModelConfig, RefusesAKeyThatStandsTwiceInItsMap) {
  const TempFolder folder;
  for (const char* text : {"model: {}\nmodel: {}\n", "a: {model: 1, \"model\": 2}\n",
                           "? model\n? model\n", "- {model: {x: 1}, model: [x]}\n"}) {
    const fs::path file = folder.write("config.yaml", text);
    expect_error(ErrorKind::kCheckpoint, "the key 'model' stands twice",
                 [&] { read_model_config(file); });
  }
  const char* fine = "x: {x: x, y: {x: 1}, ? [x, x] : x}\ny: &y {<<: {}, <<: {}}\nz:\n*y : y\n";
  const fs::path file = folder.write("config.yaml", fine);
  expect_error(ErrorKind::kCheckpoint, "config.model must be a map",
               [&] { read_model_config(file); });
}

std::string repeated(const std::string& piece, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += piece;
  return all;
}

/// More than any config holds; each must be refused before it costs time or stack.
TEST(ModelConfig, RefusesHostileFiles) {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a: [" + repeated("1,", 120'000) + "1]\n", "at most 10000 values"},
      {repeated("- 1\n", 60'000), "at most 10000 values"},
      {"a: &a 1\nb: [" + repeated("*a,", 50'000) + "1]\n", "at most 10000 values"},
      {repeated("[", 100'000), "at most 50 levels"},
      {repeated("{a: ", 60'000), "at most 50 levels"},
      {repeated("- ", 100'000) + "1", "at most 50 levels"},
      {repeated("? ", 100'000) + "1", "at most 50 levels"},
      {"a: &a [*a]\nb: *a\n", "config.model must be a map"},
      {"a: *none\n", "is not YAML"},
  };
  for (const auto& [text, part] : files) {
    SCOPED_TRACE(text.substr(0, 20));
    const fs::path file = folder.write("config.yaml", text);
    expect_error(ErrorKind::kCheckpoint, part, [&] { read_model_config(file); });
  }
  const fs::path huge = folder.write("config.yaml", std::string(1 << 20, '#'));
  for (const fs::path& file : {huge, fs::path("/dev/zero")}) {
    expect_error(ErrorKind::kCheckpoint, "is longer than 256.0 KiB",
                 [&] { read_model_config(file); });
  }
}

TEST(ModelConfig, RefusesAHostileTextTower) {
  const TempFolder folder;
  const fs::path yaml = write_config(folder, tiny_config());
  const std::string deep = repeated("[", 100'000) + repeated("]", 100'000);
  for (const std::string& text :
       {"{\"hidden_act\":" + deep + "}", deep, "{\"a\":[" + repeated("0,", 200'000) + "0]}",
        "{\"a\":\"" + std::string(2 << 20, 'x') + "\"}", repeated("{\"a\":", 100'000)}) {
    folder.write("clip/config.json", text);
    expect_error(ErrorKind::kCheckpoint, "is not a JSON object of at most 1.0 MiB and 64 levels",
                 [&] { read_model_config(yaml); });
  }
}

TEST(ModelConfig, BoundsDepthsAndWidths) {
  const std::vector<std::tuple<std::vector<std::string>, const char*, json>> damages = {
      {{"unet_config"}, "num_res_blocks", 1'000'000},
      {{"unet_config"}, "transformer_depth", 1'000'000},
      {{"unet_config"}, "model_channels", 1 << 20},
      {{"unet_config"}, "channel_mult", json::array({1, 1 << 20})},
      {{"unet_config"}, "context_dim", 1 << 20}};
  for (const auto& [path, key, value] : damages) {
    json config = tiny_config();
    params_of(config, path)[key] = value;
    expect_error(ErrorKind::kCheckpoint, std::string(key) + " must be", [&] { read(config); });
  }
  json config = tiny_config();
  params_of(config, {"first_stage_config"})["ddconfig"]["num_res_blocks"] = 1'000'000;
  expect_error(ErrorKind::kCheckpoint, "num_res_blocks must be a whole number from 1 to 64",
               [&] { read(config); });
}

TEST(ModelConfig, RefusesAMalformedTextTower) {
  const TempFolder folder;
  const fs::path yaml = write_config(folder, tiny_config());
  const std::vector<std::pair<json, const char*>> damages = {
      {json::array(), "is not a JSON object"},
      {{{"hidden_size", 32.5}}, "hidden_size is not a whole number"},
      {{{"hidden_size", 0}}, "hidden_size is out of range"},
      {{{"num_hidden_layers", UINT64_MAX}}, "num_hidden_layers is out of range"},
      {{{"hidden_size", 30}, {"num_attention_heads", 4}}, "not a multiple of num_attention_heads"},
      {{{"max_position_embeddings", 76}}, "max_position_embeddings must be at least 77"},
      {{{"hidden_act", "relu"}}, "hidden_act must be quick_gelu or gelu"},
      {{{"hidden_act", 5}}, "hidden_act must be quick_gelu or gelu"},
  };
  for (const auto& [tower, named] : damages) {
    folder.write("clip/config.json", tower.dump());
    expect_error(ErrorKind::kCheckpoint, named, [&] { read_model_config(yaml); });
  }
  folder.write("clip/config.json", "{\"hidden_size\": ");
  expect_error(ErrorKind::kCheckpoint, "is not a JSON object", [&] { read_model_config(yaml); });
}

TEST(ModelConfig, TakesTheTextPartOfAWholeClipModel) {
  const TempFolder folder;
  const fs::path yaml = write_config(folder, tiny_config());
  folder.write("clip/config.json", json{{"text_config", tiny_clip_config()}}.dump());
  EXPECT_EQ(read_model_config(yaml).clip_text.hidden_size, 32);
}

}  // namespace
}  // namespace sd::test
