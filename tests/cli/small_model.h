#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "cli/run_program.h"
#include "image/image_io.h"

namespace sd::test {

using Words = std::vector<std::string>;

inline int count_lines(const std::string& text, const std::string& start) {
  const auto lines = lines_of(text);
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.rfind(start, 0) == 0;
  }));
}

/// The run must fail with this exit code, one line of error that holds `part`, and one hint; it
/// prints nothing on stdout.
inline void expect_failure(const Finished& run, int exit_code, const std::string& part) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(count_lines(run.err, "error: "), 1) << run.err;
  EXPECT_EQ(count_lines(run.err, "hint: "), 1) << run.err;
  const size_t error = run.err.find("error: ");
  EXPECT_NE(run.err.find(part, error == std::string::npos ? 0 : error), std::string::npos)
      << run.err;
  EXPECT_EQ(lines_of(run.err).back().rfind("hint: ", 0), 0U) << run.err;
}

/// A small random model, made by the program, that the tests of a suite share, and a folder of each
/// test's own. The model is in that folder, too, as model/model.safetensors.
class SmallModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_ = std::make_unique<TempFolder>();
    const std::string config = write_config(*model_, tiny_config()).string();
    const Finished made = run({"random-checkpoint", checkpoint(), "--config", config});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_EQ(made.out, checkpoint() + "\n");
  }
  static void TearDownTestSuite() { model_.reset(); }
  void SetUp() override {
    std::filesystem::create_directory_symlink(model_->path(), out_ / "model");
  }

  static std::string checkpoint() { return (*model_ / "model.safetensors").string(); }
  static std::string config() { return (*model_ / "model.yaml").string(); }

  /// The arguments of a short run of the small model (its config lies beside it), and more.
  Words arguments(const Words& more = {}) const {
    Words words = {"txt2img",
                   "--ckpt",
                   checkpoint(),
                   "--outdir",
                   (out_ / "out").string(),
                   "--H",
                   "64",
                   "--W",
                   "64",
                   "--ddim_steps",
                   "2",
                   "--n_samples",
                   "2",
                   "--n_iter",
                   "1",
                   "--threads",
                   "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Finished draw(const Words& more = {}) const { return run(arguments(more)); }

  /// The arguments of a job, in a folder of the test's own, of the lines of prompts.txt there: a
  /// step, and a picture a batch. More may set each of them anew.
  static Words job_arguments(const std::string& folder, const Words& more = {}) {
    Words words = {"txt2img",     "--ckpt",      "model/model.safetensors",
                   "--from-file", "prompts.txt", "--job",
                   folder,        "--H",         "64",
                   "--W",         "64",          "--steps",
                   "1",           "--n_samples", "1",
                   "--n_iter",    "1",           "--safety",
                   "off",         "--threads",   "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// The program, started in the test's folder.
  Finished run_here(const Words& words, const std::string& input = "") const {
    return run(words, input, out_.path());
  }
  /// A short run of a script there, of the model as it is named there; without a grid.
  Finished draw_here(const std::string& script, const Words& more,
                     const std::string& input = "") const {
    Words words = {script,     "--ckpt",      "model/model.safetensors",
                   "--outdir", "out",         "--ddim_steps",
                   "2",        "--n_samples", "1",
                   "--n_iter", "1",           "--skip_grid",
                   "--safety", "off",         "--threads",
                   "1"};
    if (script == "txt2img") words.insert(words.end(), {"--H", "64", "--W", "64"});
    words.insert(words.end(), more.begin(), more.end());
    return run_here(words, input);
  }

  std::string sample_path(int number) const {
    const std::string digits = std::to_string(number);
    return (out_ / ("out/samples/" + std::string(5 - digits.size(), '0') + digits + ".png"))
        .string();
  }
  Image sample(int number) const { return image::read_image(sample_path(number)); }

  /// Files below the output folder, sorted.
  Words files() const {
    Words names;
    std::error_code absent;
    const auto outdir = out_ / "out";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(outdir, absent)) {
      if (entry.is_regular_file()) {
        names.push_back(std::filesystem::relative(entry.path(), outdir).string());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static inline std::unique_ptr<TempFolder> model_;
  TempFolder out_;
};

}  // namespace sd::test
