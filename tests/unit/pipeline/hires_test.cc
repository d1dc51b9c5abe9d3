// The second pass: sizes as the web UI recorded them, and what lies between the passes.

#include "pipeline/hires.h"

#include <gtest/gtest.h>

#include "image/image_io.h"
#include "pipeline/request_load.h"
#include "support/expect_error.h"
#include "support/webui.h"

namespace sd::test {
using namespace image;
using namespace pipeline;

namespace {

BatchSettings batch_of(int width, int height, const HiresSettings& hires) {
  BatchSettings batch;
  batch.width = width;
  batch.height = height;
  batch.hires = hires;
  return batch;
}

HiresSettings scaled(double scale) {
  HiresSettings hires;
  hires.scale = scale;
  return hires;
}

HiresSettings sides(int64_t width, int64_t height) {
  HiresSettings hires;
  hires.width = width;
  hires.height = height;
  return hires;
}

HiresSize size_of(int width, int height, const HiresSettings& hires) {
  return hires_size(batch_of(width, height, hires), 8);
}

TEST(Hires, SizesAreTheWebUis) {
  EXPECT_EQ(size_of(64, 96, scaled(1.5)), (HiresSize{96, 144, 96, 144}));
  EXPECT_EQ(size_of(64, 96, sides(96, 0)), (HiresSize{96, 144, 96, 144}));
  EXPECT_EQ(size_of(64, 96, sides(0, 144)), (HiresSize{96, 144, 96, 144}));
  // Both sides: the picture covers them, and the surplus is cut.
  EXPECT_EQ(size_of(64, 64, sides(128, 96)), (HiresSize{128, 128, 128, 96}));
  EXPECT_EQ(size_of(64, 64, sides(96, 128)), (HiresSize{128, 128, 96, 128}));
  // 64 x 1.3 is 83.2: ten latent values.
  EXPECT_EQ(size_of(64, 64, scaled(1.3)), (HiresSize{83, 83, 80, 80}));
}

TEST(Hires, TheSurplusIsCutFromBothSides) {
  const at::Tensor latent = at::arange(5 * 7, at::kFloat).reshape({1, 1, 5, 7});
  const at::Tensor cut = cut_surplus(latent, {56, 40, 32, 24}, 8);
  EXPECT_TRUE(at::equal(cut, latent.narrow(2, 1, 3).narrow(3, 1, 4)));
}

TEST(Hires, PixelsAreEnlargedAsTheWebUiDoes) {
  SD_NEEDS_WEBUI();
  int compared = 0;
  for (const auto& [name, upscaler] : {std::pair{"r010-lanczos", HiresUpscaler::kLanczos},
                                       {"r011-none", HiresUpscaler::kNone},
                                       {"r012-nearest-pixels", HiresUpscaler::kNearest},
                                       {"r013-lanczos-odd-scale", HiresUpscaler::kLanczos}}) {
    const auto folder = webui_dir() / "hires" / name;
    for (int k = 0; std::filesystem::exists(folder / ("low" + std::to_string(k) + ".png")); ++k) {
      const Image low = read_image(folder / ("low" + std::to_string(k) + ".png"));
      const Image up = read_image(folder / ("up" + std::to_string(k) + ".png"));
      const HiresSize size = {up.width, up.height, up.width, up.height};
      EXPECT_EQ(enlarge_picture(low, upscaler, size).rgb, up.rgb) << name;
      ++compared;
    }
  }
  EXPECT_GE(compared, 3);
}

TEST(Hires, TheSecondPassHasItsOwnPromptsSamplerAndSteps) {
  Request request;
  HiresSettings hires = scaled(2);
  hires.steps = 7;
  hires.sampler = "heun";
  request.batch = batch_of(64, 64, hires);
  request.batch.sampler = "euler_a";
  request.batch.schedule = "karras";
  request.batch.steps = 20;
  request.batch.knobs.eta = 1;
  request.pictures = {{.prompt = "a", .negative_prompt = "b", .hires_prompt = "c"}};
  const Request second = second_pass(request, 8);
  EXPECT_EQ(second.batch.width, 128);
  EXPECT_EQ(second.batch.sampler, "heun");
  EXPECT_EQ(second.batch.schedule, "karras");
  EXPECT_EQ(second.batch.steps, 7);
  EXPECT_FALSE(second.batch.hires.on());
  EXPECT_FALSE(second.batch.knobs.eta.has_value());  // each sampler's own
  EXPECT_EQ(second.pictures[0].prompt, "c");
  EXPECT_EQ(second.pictures[0].negative_prompt, "b");
  EXPECT_EQ(second_sampling(request, second).strength, 0.75);
}

TEST(Hires, WhatCannotBeDrawnIsRefused) {
  const ModelDescription model;
  Request request;
  HiresSettings hires = sides(96, 0);
  hires.scale = 2;
  request.batch = batch_of(64, 64, hires);
  request.batch.sampler = "euler";
  request.pictures = {{.prompt = "a", .negative_prompt = ""}};
  request.noise.rows = 0;
  expect_error(ErrorKind::kUsage, "exclude each other", [&] { check_request(model, request); });
  request.batch.hires = scaled(2);
  request.batch.hires.strength = 1.5;
  expect_error(ErrorKind::kUsage, "hires_strength", [&] { check_request(model, request); });
  request.batch.hires = scaled(2);
  request.batch.init.image = std::make_shared<const Image>(64, 64);
  expect_error(ErrorKind::kUsage, "init image", [&] { check_request(model, request); });
  request.batch.init = {};
  request.batch.hires = scaled(16);
  request.batch.width = 2048;
  expect_error(ErrorKind::kUsage, "hires_width", [&] { check_request(model, request); });
  request.batch.width = 72;  // no multiple of 64: refused without a second pass
  EXPECT_NO_THROW(check_request(model, request));
  request.batch.hires = {};
  expect_error(ErrorKind::kUsage, "multiple of 64", [&] { check_request(model, request); });
}

/// A request of two passes over a prompt of the web UI's syntax.
Request two_passes(const std::string& prompt, const std::string& hires_prompt) {
  Request request;
  request.batch = batch_of(64, 64, scaled(2));
  request.batch.sampler = "euler";
  request.batch.prompts.syntax = PromptSyntax::kWebUi;
  request.pictures = {{.prompt = prompt, .negative_prompt = "", .hires_prompt = hires_prompt}};
  request.noise.rows = 0;
  return request;
}

TEST(Hires, WhatTheSecondPassCannotDrawIsRefusedAtOnce) {
  const ModelDescription model;
  EXPECT_NO_THROW(check_request(model, two_passes("a", "b")));
  expect_error(ErrorKind::kUsage, "1.2.3",
               [&] { check_request(model, two_passes("a", "(b:1.2.3)")); });
  Request request = two_passes("a", "b");
  request.pictures[0].hires_negative_prompt = "\xff";
  expect_error(ErrorKind::kUsage, "UTF-8", [&] { check_request(model, request); });
  request = two_passes("a", "b");
  request.batch.hires.steps = 20'000;
  expect_error(ErrorKind::kUsage, "steps", [&] { check_request(model, request); });
  request = two_passes("a", "b");
  request.batch.hires.sampler = "dpm_solver";
  expect_error(ErrorKind::kUsage, "dpm_solver", [&] { check_request(model, request); });
  request = two_passes("a", "b");
  request.batch.knobs.eta = 0.5;  // euler leaves it alone
  request.batch.hires.sampler = "plms";
  expect_error(ErrorKind::kUsage, "eta", [&] { check_request(model, request); });
}

TEST(Hires, EachPassHasTheAdaptersOfItsOwnPrompt) {
  const ModelDescription model;
  Request request = two_passes("a <lora:x:1>", "b <lora:y:0.5>");
  request.batch.loras = {{.file = "x.safetensors", .in_prompt = true}};
  request.batch.hires.loras = {{.file = "y.safetensors", .in_prompt = true}};
  EXPECT_NO_THROW(check_request(model, request));
  EXPECT_EQ(second_pass(request, 8).batch.loras, *request.batch.hires.loras);
  request.batch.hires.loras = std::vector<LoraUse>();
  expect_error(ErrorKind::kUsage, "second pass: the prompt asks for the adapter y",
               [&] { check_request(model, request); });
  request.pictures[0].hires_prompt = "b";
  EXPECT_NO_THROW(check_request(model, request));
  EXPECT_TRUE(second_pass(request, 8).batch.loras.empty());
  request.batch.hires.loras.reset();
  EXPECT_EQ(second_pass(request, 8).batch.loras, request.batch.loras);
}

TEST(RequestLoad, IsThatOfEachPass) {
  const ModelDescription model;
  Request request = two_passes("a AND b", "c");
  request.batch.hires = sides(128, 96);
  request.batch.hires.upscaler = HiresUpscaler::kLanczos;
  request.pictures[0].scale = 1;
  std::vector<Workload> loads = loads_of(model, request);
  ASSERT_EQ(loads.size(), 2U);
  EXPECT_EQ(loads[0].width, 64);
  EXPECT_TRUE(loads[0].guided);  // the texts are weighed against the negative one
  EXPECT_EQ(loads[0].parts, 2);
  EXPECT_EQ(loads[1].height, 128);  // before the surplus is cut
  EXPECT_EQ(loads[1].width, 128);
  EXPECT_TRUE(loads[1].encodes);
  EXPECT_FALSE(loads[1].guided);
  EXPECT_EQ(loads[1].parts, 1);
  request.batch.hires.upscaler = HiresUpscaler::kLatent;
  EXPECT_FALSE(loads_of(model, request)[1].encodes);
  request.batch.hires = {};
  EXPECT_EQ(loads_of(model, request).size(), 1U);
}

}  // namespace
}  // namespace sd::test
