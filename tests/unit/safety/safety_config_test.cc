// The two JSON files beside a safety checker's weights: what is taken from them, what is refused.

#include "safety/safety_config.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/expect_error.h"
#include "unit/safety/small_checker.h"

namespace sd::test {
using namespace safety;

namespace {

using nlohmann::json;

json network() { return checker_vectors().at(0).at("config"); }

SafetyConfig read(const TempFolder& folder) {
  return read_safety_config(folder / "pytorch_model.bin");
}

TEST(SafetyConfig, IsStableDiffusionsWithoutFiles) {
  const TempFolder folder;
  const SafetyConfig config = read(folder);
  EXPECT_EQ(config.vision.hidden_size, 1024);
  EXPECT_EQ(config.vision.num_hidden_layers, 24);
  EXPECT_EQ(config.vision.patch_size, 14);
  EXPECT_EQ(config.projection_dim, 768);
  EXPECT_EQ(config.input.size, 224);
  EXPECT_EQ(config.input.crop_size, 224);
}

TEST(SafetyConfig, ReadsBothFiles) {
  const TempFolder folder;
  folder.write("config.json", checker_vectors().at(1).at("config").dump());
  folder.write("preprocessor_config.json", checker_vectors().at(1).at("preprocessor").dump());
  const SafetyConfig config = read(folder);
  EXPECT_EQ(config.vision.hidden_size, 48);
  EXPECT_EQ(config.vision.hidden_act, "gelu");
  EXPECT_EQ(config.projection_dim, 24);
  EXPECT_EQ(config.input.size, 61);
  EXPECT_EQ(config.input.crop_size, 56);
  EXPECT_EQ(config.input.image_mean[1], 0.4F);
  EXPECT_EQ(config.input.image_std[2], 0.3F);
}

TEST(SafetyConfig, TheOlderKeyWins) {
  const TempFolder folder;
  json config = network();
  config["vision_config_dict"] = {{"num_hidden_layers", 5}};
  folder.write("config.json", config.dump());
  EXPECT_EQ(read(folder).vision.num_hidden_layers, 5);
  EXPECT_EQ(read(folder).vision.hidden_size, 32);
  EXPECT_EQ(read(folder).input.size, 64);  // follows the network where the other file is absent
}

TEST(SafetyConfig, ReadsTheSidesThatLaterVersionsWrite) {
  const TempFolder folder;
  folder.write("preprocessor_config.json",
               R"({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224},
                   "do_rescale": true, "rescale_factor": 0.00392156862745098})");
  EXPECT_EQ(read(folder).input.size, 256);
  EXPECT_EQ(read(folder).input.crop_size, 224);
}

TEST(SafetyConfig, NamesTheKeyOfTheNetworkThatCannotBeUsed) {
  const std::vector<std::pair<const char*, json>> damages = {
      {"hidden_size", 1LL << 40},
      {"hidden_size", 0},
      {"hidden_size", "wide"},
      {"hidden_size", 33},  // no multiple of the heads
      {"intermediate_size", 1.5},
      {"num_hidden_layers", 1'000'000},
      {"num_hidden_layers", std::numeric_limits<uint64_t>::max()},
      {"num_attention_heads", -4},
      {"image_size", 1'000'000},
      {"patch_size", 65},
      {"patch_size", json::array({16, 16})},
      {"hidden_act", "relu"},
      {"hidden_act", nullptr},
      {"layer_norm_eps", 1e-6},
      {"num_channels", 4}};
  for (const auto& [key, value] : damages) {
    SCOPED_TRACE(std::string(key) + " " + value.dump());
    const TempFolder folder;
    json config = network();
    config["vision_config"][key] = value;
    folder.write("config.json", config.dump());
    expect_error(ErrorKind::kCheckpoint, key, [&] { read(folder); });
  }
}

TEST(SafetyConfig, NamesTheKeyOfTheInputThatCannotBeUsed) {
  const std::vector<std::pair<const char*, json>> damages = {
      {"size", 0},
      {"size", "large"},
      {"size", 1 << 30},
      {"size", 200},  // below the crop
      {"crop_size", 223},
      {"crop_size", {{"height", 224}, {"width", 200}}},
      {"image_mean", 0.5},
      {"image_mean", {0.1, 0.2}},
      {"image_mean", {0.1, 0.2, "x"}},
      {"image_std", {1, 0, 1}},
      {"image_std", {1, 1e-60, 1}},
      {"resample", 2},
      {"do_center_crop", false},
      {"rescale_factor", 1}};
  for (const auto& [key, value] : damages) {
    SCOPED_TRACE(std::string(key) + " " + value.dump());
    const TempFolder folder;
    folder.write("preprocessor_config.json", json{{key, value}}.dump());
    expect_error(ErrorKind::kCheckpoint, key, [&] { read(folder); });
  }
}

TEST(SafetyConfig, RefusesFilesThatAreNoJson) {
  for (const char* name : {"config.json", "preprocessor_config.json"}) {
    const std::vector<std::string> texts = {"",
                                            "{",
                                            "[1]",
                                            "\xff\xfe{}",
                                            std::string(100'000, '['),
                                            R"({"vision_config": {}} trailing)"};
    for (const std::string& text : texts) {
      const TempFolder folder;
      folder.write(name, text);
      expect_error(ErrorKind::kCheckpoint, "is not a JSON object", [&] { read(folder); });
    }
    const TempFolder folder;
    folder.write(std::string(name) + "/file", "");
    expect_error(ErrorKind::kCheckpoint, "is not a JSON object", [&] { read(folder); });
  }
  const TempFolder folder;
  folder.write("config.json", R"({"vision_config": "ViT"})");
  expect_error(ErrorKind::kCheckpoint, "vision_config", [&] { read(folder); });
}

}  // namespace
}  // namespace sd::test
