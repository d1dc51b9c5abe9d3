// Pictures of a run that is still going on.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "pipeline/preview.h"
#include "support/golden_tensor.h"
#include "support/model_case.h"

namespace sd::test {
using namespace image;
using namespace pipeline;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> mini_flags(const std::string& preview) {
  return {"--ckpt",       models_dir() / "mini/mini.safetensors",
          "--config",     models_dir() / "mini/mini.yaml",
          "--prompt",     "a green bottle",
          "--H",          "64",
          "--W",          "128",
          "--n_iter",     "1",
          "--ddim_steps", "4",
          "--n_samples",  "2",
          "--safety",     "off",
          "--preview",    preview};
}

TEST(Preview, IsWrittenWhileARunGoesOn) {
  SD_NEEDS_MODELS();
  for (const std::string& vae :
       {std::string("none"), "taesd:" + (models_dir() / "taesd/diffusers").string()}) {
    const TempFolder folder;
    const fs::path told = folder / "told.jsonl";
    const int descriptor = open(told.c_str(), O_WRONLY | O_CREAT, 0600);
    std::vector<std::string> argv = mini_flags("2");
    argv.insert(argv.end(), {"--vae", vae, "--progress-fd", std::to_string(descriptor)});
    const FlagsRun run(Script::kTxt2Img, argv);
    close(descriptor);
    ASSERT_EQ(run.exit_code, 0);
    const Image image = read_image(run.folder / "out/preview.png");
    EXPECT_EQ(image.width, 2 * 128 + 6);  // two pictures and their borders
    EXPECT_EQ(image.height, 64 + 4);
    std::vector<int> steps;
    std::ifstream lines(told);
    for (std::string line; std::getline(lines, line);) {
      const auto event = nlohmann::json::parse(line);
      if (event.at("event") == "preview") steps.push_back(event.at("step"));
    }
    EXPECT_EQ(steps, std::vector<int>({2, 4}));
    EXPECT_EQ(run.pictures().size(), 2u);
  }
}

TEST(Preview, IsNotWrittenUnlessAskedFor) {
  SD_NEEDS_MODELS();
  const FlagsRun run(Script::kTxt2Img, mini_flags("0"));
  EXPECT_FALSE(fs::exists(run.folder / "out/preview.png"));
}

TEST(Preview, IsTheWebUisCheapOneWithoutTaesd) {
  SD_NEEDS_MODELS();
  const GoldenTensors goldens(models_dir() / "preview/forward.safetensors");
  const auto tensor = [&](const char* name) { return tensor_of(goldens.f32(name)); };
  EXPECT_LE(max_difference(linear_preview(tensor("z")), tensor("cheap")), 1e-5);
}

/// The published sets of factors, as src/pipeline/preview.cc has one of them.
struct Factors {
  const char* of;
  std::vector<float> rows;  // [4, 3]
  std::vector<float> bias = {0, 0, 0};
};
std::vector<Factors> published() {
  return {
      {"the web UI",
       {.298F, .207F, .208F, .187F, .286F, .173F, -.158F, .189F, .264F, -.184F, -.271F, -.473F}},
      {"ComfyUI",
       {.3512F, .2297F, .3227F, .3250F, .4974F, .2350F, -.2829F, .1762F, .2721F, -.2120F, -.2616F,
        -.7177F}},
      {"stable-diffusion.cpp",
       {.337366F, .216344F, .257386F, .165636F, .386828F, .046994F, -.267803F, .237036F, .223517F,
        -.178022F, -.200862F, -.678514F},
       {-.017478F, -.055834F, -.105825F}}};
}

double error_of(const at::Tensor& picture, const at::Tensor& image) {
  return (picture.clamp(-1, 1) - image).square().mean().item<double>();
}

/// Which of the published sets comes nearest to the built-in model's own pictures: the one that is
/// used.
TEST(Preview, HasThePublishedFactorsThatComeNearest) {
  const FlagsRun run(Script::kTxt2Img, {"--prompt", "a red heart", "--ddim_steps", "10", "--n_iter",
                                        "1", "--n_samples", "4", "--safety", "off"});
  if (run.exit_code != 0) GTEST_SKIP() << "the built-in model is not there";
  const at::Tensor z = counterpart(run.tensors, "latent", 0);
  const at::Tensor image = at::avg_pool2d(counterpart(run.tensors, "image", 0), {8, 8});
  const double own = error_of(linear_preview(z), image);
  for (const Factors& one : published()) {
    const at::Tensor made = at::matmul(z.permute({0, 2, 3, 1}), at::tensor(one.rows).view({4, 3})) +
                            at::tensor(one.bias);
    const double error = error_of(made.permute({0, 3, 1, 2}), image);
    EXPECT_LE(own, error + 1e-6) << one.of;
  }
}

}  // namespace
}  // namespace sd::test
