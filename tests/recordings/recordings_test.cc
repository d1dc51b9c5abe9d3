// Commands of all kinds, drawn now and compared with what they drew when they were recorded: the
// same files, and pictures of which at most 0.1 % of the values are off, by 1. (The last bits of
// sums differ from processor to processor.) SD_RECORD=1 in the environment records them anew.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "cli/run_program.h"
#include "image/image_io.h"
#include "support/pattern.h"
#include "unit/safety/small_checker.h"

namespace sd::test {
using namespace image;

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(SD_SOURCE_DIR) / "tests" / "recordings";

bool recording() { return std::getenv("SD_RECORD") != nullptr; }

/// A command of commands.json: "name", "words", and where they apply "input" (of stdin), "exit"
/// (its exit code) and "needs" (a flag of /proc/cpuinfo).
const nlohmann::json& commands() {
  static const nlohmann::json all = nlohmann::json::parse(read_file(kFolder / "commands.json"));
  return all;
}

bool processor_has(const std::string& flag) {
  std::istringstream words(read_file("/proc/cpuinfo"));
  for (std::string word; words >> word;) {
    if (word == flag) return true;
  }
  return false;
}

nlohmann::json laion_config() {
  nlohmann::json config = tiny_config();
  params_of(config)["cond_stage_config"] = {{"target", "ldm.modules.encoders.modules.BERTEmbedder"},
                                            {"params", {{"n_embed", 32}, {"n_layer", 2}}}};
  return config;
}

class Recording : public ::testing::TestWithParam<nlohmann::json> {
 protected:
  static void SetUpTestSuite() {
    files_ = std::make_unique<TempFolder>();
    write_png(*files_ / "init.png", pattern("smooth", 128, 128, 1));
    write_png(*files_ / "large.png", pattern("smooth", 256, 192, 2));
    const std::string config = write_config(*files_, laion_config(), "laion.yaml").string();
    const std::string laion = (*files_ / "laion.safetensors").string();
    ASSERT_EQ(run({"random-checkpoint", laion, "--config", config}).exit_code, 0);
    checker_ = std::make_unique<SmallChecker>();
    checker_->tensors["concept_embeds_weights"].fill_(-1);  // every picture is flagged
    checker_->write_safetensors();
    fs::create_directory_symlink(checker_->folder.path(), *files_ / "checker");
  }
  static void TearDownTestSuite() {
    checker_.reset();
    files_.reset();
  }

  /// Runs the command; its files are below out/ in the folder of the suite.
  Finished draw() {
    fs::remove_all(*files_ / "out");
    auto words = GetParam().at("words").get<std::vector<std::string>>();
    words.insert(words.end(), {"--outdir", "out", "--threads", "2", "-q"});
    return run(words, GetParam().value("input", ""), files_->path());
  }

  static inline std::unique_ptr<TempFolder> files_;
  static inline std::unique_ptr<SmallChecker> checker_;
};

void expect_close(const Image& drawn, const Image& recorded) {
  ASSERT_EQ(drawn.width, recorded.width);
  ASSERT_EQ(drawn.height, recorded.height);
  size_t off = 0;
  for (size_t i = 0; i < drawn.rgb.size(); ++i) {
    const int difference = std::abs(drawn.rgb[i] - recorded.rgb[i]);
    ASSERT_LE(difference, 1) << "value " << i;
    off += difference != 0;
  }
  EXPECT_LE(off, drawn.rgb.size() / 1000);
}

TEST_P(Recording, IsDrawnAgain) {
  const std::string needs = GetParam().value("needs", "");
  if (!needs.empty() && !processor_has(needs)) GTEST_SKIP() << "the processor has no " << needs;
  const Finished finished = draw();
  const fs::path stored = kFolder / "pictures" / GetParam().at("name").get<std::string>();
  if (recording()) {
    fs::remove_all(stored);
    fs::create_directories(stored);
    for (const std::string& path : lines_of(finished.out)) {
      write_png(stored / fs::path(path).filename(), read_image((*files_ / path).string()));
    }
    GTEST_SKIP() << "recorded";
  }
  EXPECT_EQ(finished.exit_code, GetParam().value("exit", 0)) << finished.err;
  std::vector<std::string> names;
  for (const std::string& path : lines_of(finished.out)) {
    const std::string name = fs::path(path).filename().string();
    SCOPED_TRACE(name);
    names.push_back(name);
    ASSERT_TRUE(fs::exists(stored / name)) << "not recorded";
    expect_close(read_image((*files_ / path).string()), read_image((stored / name).string()));
  }
  std::sort(names.begin(), names.end());
  std::vector<std::string> recorded;
  for (const auto& entry : fs::directory_iterator(stored)) {
    recorded.push_back(entry.path().filename().string());
  }
  std::sort(recorded.begin(), recorded.end());
  EXPECT_EQ(names, recorded);
}

INSTANTIATE_TEST_SUITE_P(Commands, Recording,
                         ::testing::ValuesIn(commands().begin(), commands().end()),
                         [](const auto& command) {
                           auto name = command.param.at("name").template get<std::string>();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sd::test
