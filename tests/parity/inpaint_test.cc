// Inpainting against the published programs: runwayml's script, CompVis' samplers with a mask, and
// AUTOMATIC1111's web UI.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "image/masking.h"
#include "support/golden_tensor.h"
#include "support/model_case.h"

namespace sd::test {
using namespace image;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// The cases of a group; one that is none without them, so that each test is seen to be skipped.
std::vector<std::string> cases_of(const std::string& group) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(models_dir() / group / "cases", absent)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? std::vector<std::string>{"absent"} : names;
}

/// The flags of what all cases say; `flags`: those of the case's own keys.
std::vector<std::string> flags_of(const ModelCase& model_case, const fs::path& mask,
                                  const std::map<std::string, std::string>& flags) {
  std::vector<std::string> argv = {
      "--init-img",  model_case.inputs / text_of(model_case.info.at("image")),
      "--mask",      mask,
      "--n_iter",    "1",
      "--skip_grid", "--no-watermark"};
  for (const auto& [key, flag] : flags) {
    const json& value = model_case.info.at(key);
    argv.insert(argv.end(), {flag, text_of(value)});
  }
  return argv;
}

void expect_near(const ModelCase& model_case, const FlagsRun& run, const std::string& golden,
                 const std::string& kind, double tolerance) {
  SCOPED_TRACE(golden);
  const at::Tensor ours = counterpart(run.tensors, kind, 0);
  ASSERT_TRUE(ours.defined());
  at::Tensor expected = model_case.golden(golden);
  EXPECT_LE(max_difference(ours, expected), tolerance);
}

void expect_drawn(const ModelCase& model_case, const FlagsRun& run) {
  EXPECT_EQ(run.exit_code, 0);
  const double tolerance = model_case.latent_tolerance();
  expect_near(model_case, run, "latent", "latent", tolerance);
  expect_near(model_case, run, "image_s4_f32", "image_s4_f32", std::max(1e-4, tolerance / 2));
}

class Runwayml : public testing::TestWithParam<std::string> {};

TEST_P(Runwayml, InpaintsAsItsScript) {
  SD_NEEDS_MODELS();
  const ModelCase model_case("inpaint", GetParam());
  const json& mask = model_case.info.at("mask");
  const fs::path mask_file =
      mask.is_null() ? model_case.folder / "mask.png" : model_case.inputs / mask.get<std::string>();
  std::vector<std::string> argv = flags_of(model_case, mask_file,
                                           {{"prompt", "--prompt"},
                                            {"seed", "--seed"},
                                            {"scale", "--scale"},
                                            {"steps", "--ddim_steps"},
                                            {"eta", "--ddim_eta"},
                                            {"n_samples", "--n_samples"}});
  set_flag(&argv, "--ckpt", model_case.inputs / "inpaint.ckpt");
  set_flag(&argv, "--config", model_case.inputs / "inpaint.yaml");
  argv.emplace_back("--no-paste");
  // The script as it is takes its first noise from NumPy.
  const bool from_numpy = model_case.info.at("x_T") == "numpy.random.RandomState(seed)";
  if (from_numpy) argv.insert(argv.end(), {"--rng", "numpy"});
  const FlagsRun run(Script::kImg2Img, argv);
  expect_near(model_case, run, "c_concat", "c_concat", 2e-5);
  expect_near(model_case, run, "eps0", "unet_eps", 2e-4);
  expect_drawn(model_case, run);
}
INSTANTIATE_TEST_SUITE_P(Published, Runwayml, testing::ValuesIn(cases_of("inpaint")),
                         case_test_name);

class LatentMasks : public testing::TestWithParam<std::string> {};

TEST_P(LatentMasks, AreObeyedAsByCompVisSamplers) {
  SD_NEEDS_MODELS();
  const ModelCase model_case("latentmask", GetParam());
  std::vector<std::string> argv =
      flags_of(model_case, model_case.inputs / text_of(model_case.info.at("mask")),
               {{"prompt", "--prompt"},
                {"seed", "--seed"},
                {"scale", "--scale"},
                {"steps", "--ddim_steps"},
                {"eta", "--ddim_eta"},
                {"n_samples", "--n_samples"}});
  set_flag(&argv, "--ckpt", reference_dir() / "ckpt/sd-tiny.ckpt");
  if (model_case.info.at("sampler") == "PLMS") argv.emplace_back("--plms");
  if (model_case.info.at("mask_kind") == "soft") argv.emplace_back("--soft-mask");
  const FlagsRun run(Script::kImg2Img, argv);
  expect_near(model_case, run, "x0", "init_latent", 2e-5);
  const at::Tensor mask = counterpart(run.tensors, "latent_mask", 0);
  EXPECT_LE(max_difference(1 - mask, model_case.golden("keep_mask")), 1e-6);
  expect_drawn(model_case, run);
}
INSTANTIATE_TEST_SUITE_P(Published, LatentMasks, testing::ValuesIn(cases_of("latentmask")),
                         case_test_name);

class WebUi : public testing::TestWithParam<std::string> {};

std::vector<std::string> webui_flags(const ModelCase& model_case) {
  const json& info = model_case.info;
  std::vector<std::string> argv = flags_of(model_case, model_case.inputs / text_of(info.at("mask")),
                                           {{"prompt", "--prompt"},
                                            {"seed", "--seed"},
                                            {"negative_prompt", "--negative-prompt"},
                                            {"cfg_scale", "--scale"},
                                            {"steps", "--ddim_steps"},
                                            {"denoising_strength", "--strength"},
                                            {"batch_size", "--n_samples"},
                                            {"width", "--W"},
                                            {"height", "--H"},
                                            {"mask_blur", "--mask-blur"},
                                            {"inpaint_full_res_padding", "--padding"}});
  const fs::path model = models_dir() / text_of(info.at("model"));
  const bool inpaints = info.at("model") == "inpaint";
  set_flag(&argv, "--ckpt", model / (inpaints ? "inpaint.ckpt" : "mini.safetensors"));
  set_flag(&argv, "--config", model / (inpaints ? "inpaint.yaml" : "mini.yaml"));
  const std::map<std::string, std::string> fills = {{"original", "original"},
                                                    {"fill", "fill"},
                                                    {"latent noise", "noise"},
                                                    {"latent nothing", "nothing"}};
  set_flag(&argv, "--inpaint-fill", fills.at(info.at("inpainting_fill")));
  const char* modes[] = {"stretch", "crop", "pad"};
  set_flag(&argv, "--resize-mode", modes[info.at("resize_mode").get<int>()]);
  if (info.at("inpaint_full_res") == true) argv.emplace_back("--only-masked");
  if (info.at("inpainting_mask_invert") == 1) argv.emplace_back("--invert-mask");
  if (info.at("mask_round") == false) argv.emplace_back("--soft-mask");
  argv.insert(argv.end(), {"--inpaint-mode", "webui", "--sampler", "webui_ddim", "--rng", "nv"});
  return argv;
}

TEST_P(WebUi, InpaintsAsItsPages) {
  SD_NEEDS_MODELS();
  const ModelCase model_case("webui", GetParam());
  const FlagsRun run(Script::kImg2Img, webui_flags(model_case));
  const GoldenTensors goldens = model_case.goldens();
  const auto bytes = goldens.u8("init_image_u8");
  const at::Tensor init = tensor_of(bytes);
  EXPECT_LE(max_difference(counterpart(run.tensors, "init_image_u8", 0), init), 1);
  if (goldens.has("latent_mask_inpaint")) {
    EXPECT_EQ(max_difference(counterpart(run.tensors, "latent_mask", 0)[0][0],
                             model_case.golden("latent_mask_inpaint")),
              0);
  }
  if (goldens.has("image_conditioning")) {
    expect_near(model_case, run, "image_conditioning", "c_concat", 2e-5);
  }
  expect_drawn(model_case, run);
}
INSTANTIATE_TEST_SUITE_P(Published, WebUi, testing::ValuesIn(cases_of("webui")), case_test_name);

/// The largest difference of two pictures, and how many values differ.
PixelDifference difference_of(const Image& ours, const Image& golden) {
  PixelDifference difference;
  difference.add(ours, golden);
  return difference;
}

/// Pasting alone, from what the autoencoder gave.
TEST(Pasting, LaysTheKeptPartOverAsTheWebUi) {
  SD_NEEDS_MODELS();
  int compared = 0;
  for (const std::string& name : cases_of("webui")) {
    const ModelCase model_case("webui", name);
    if (!fs::exists(model_case.folder / "result0.png")) continue;
    SCOPED_TRACE(name);
    const Image decoded = read_image(model_case.folder / "decoded0.png");
    const Image result = read_image(model_case.folder / "result0.png");
    const GrayImage mask = to_gray(read_image(model_case.folder / "mask_for_overlay.png"));
    const json& to = model_case.info.at("paste_to");
    Image original = read_image(model_case.inputs / text_of(model_case.info.at("image")));
    Region region{0, 0, decoded.width, decoded.height};
    if (to.is_null()) {
      const FitMode mode =
          model_case.info.at("resize_mode") == 1 ? FitMode::kCrop : FitMode::kStretch;
      original = fit_image(original, mode, decoded.width, decoded.height);
    } else {
      region = {to[0], to[1], to[2], to[3]};
    }
    const Image ours = paste_kept(decoded, original, mask, region);
    EXPECT_EQ(difference_of(ours, result).differing, 0);
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

}  // namespace
}  // namespace sd::test
