// Damaged configs: bytes changed, pieces repeated, deep and endless lists. Each must give an
// sd::Error or a config whose networks can be looked up in a checkpoint that has none of them, in
// little time.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "models/latent_diffusion.h"
#include "sd/error.h"
#include "support/tiny_model.h"

namespace sd {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

using namespace test;

/// Seconds: far more than the slowest takes, so that a busy machine does not fail the test.
constexpr double kHang = 20;

std::string config_text() {
  std::ifstream in(std::string(SD_SOURCE_DIR) + "/configs/stable-diffusion/v1-inference.yaml");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Reads the config and asks an empty checkpoint for its networks.
void exercise(const std::filesystem::path& yaml) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    const ModelConfig config = read_model_config(yaml);
    const std::map<std::string, at::Tensor> none;
    const auto nothing = std::make_shared<const Checkpoint>("nothing", none);
    load_latent_diffusion(one_file_source(nothing, config, WeightChoice::kPlain), CoderParts::kBoth,
                          ExecPolicy());
    FAIL() << "an empty checkpoint held a model";
  } catch (const Error& error) {
    const std::string message = error.what();
    ASSERT_TRUE(error.kind() == ErrorKind::kCheckpoint || error.kind() == ErrorKind::kFile)
        << message;
    ASSERT_EQ(message.find('\n'), std::string::npos) << message;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  ASSERT_LT(seconds.count(), kHang);
}

/// What is put in the place of some bytes.
std::string piece(std::mt19937& random) {
  constexpr const char* kPieces[] = {"[",   "{",  "- ",      ": ", "\n", "*a", "&a ", "|\n",
                                     "9e9", "-1", "1048576", "64", "~",  "!!", "\"",  "\t"};
  std::string one = kPieces[random() % std::size(kPieces)];
  const size_t times = random() % 8 == 0 ? 2000 : 1;
  std::string all;
  for (size_t i = 0; i < times; ++i) all += one;
  return all;
}

TEST(DamagedConfigs, GiveAnErrorOrAConfig) {
  const TempFolder folder;
  const std::string sound = config_text();
  ASSERT_GT(sound.size(), 500U);
  std::mt19937 random(5);
  ::testing::internal::CaptureStderr();  // keys that nobody knows
  for (int round = 0; round < 600; ++round) {
    std::string text = sound;
    for (size_t change = 0; change < 1 + random() % 3; ++change) {
      text.replace(random() % text.size(), random() % 4, piece(random));
    }
    exercise(folder.write("model.yaml", text));
    if (HasFatalFailure()) break;
  }
  ::testing::internal::GetCapturedStderr();
}

/// Every count of the config as large as it may be.
TEST(CostlyConfigs, AskForNoMoreThanACheckpointCanHold) {
  const TempFolder folder;
  for (const auto& [path, key, value] :
       std::vector<std::tuple<std::vector<std::string>, const char*, nlohmann::json>>{
           {{"unet_config"}, "num_res_blocks", 64},
           {{"unet_config"}, "transformer_depth", 64},
           {{"unet_config"}, "channel_mult", {1, 2, 4, 8, 16, 32, 64, 128}},
           {{"unet_config"}, "model_channels", 32768}}) {
    SCOPED_TRACE(key);
    nlohmann::json config = tiny_config();
    params_of(config, path)[key] = value;
    exercise(write_config(folder, config));
  }
  nlohmann::json tower = tiny_clip_config();
  tower["num_hidden_layers"] = 256;
  const auto yaml = write_config(folder, tiny_config());
  folder.write("clip/config.json", tower.dump());
  exercise(yaml);
}

}  // namespace
}  // namespace sd
