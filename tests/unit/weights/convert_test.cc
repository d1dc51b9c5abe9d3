// A checkpoint in, its weights out: which tensors, under which names, as what.

#include "weights/convert.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace weights;

namespace {

using Tensors = std::map<std::string, at::Tensor>;

Tensors some_tensors() {
  return {{"model.diffusion_model.out.0.weight", at::arange(4, at::kFloat) + 0.1F},
          {"model.diffusion_model.out.0.bias", at::arange(2, at::kFloat).to(at::kHalf)},
          {"model_ema.diffusion_modelout0weight", at::full({4}, 5.5F)},
          {"model_ema.diffusion_modelout0bias", at::full({2}, 6.5F)},
          {"model_ema.decay", at::zeros({})},
          {"first_stage_model.a", at::full({3}, 0.3F).to(at::kBFloat16)},
          {"cond_stage_model.t", at::arange(6, at::kFloat).view({2, 3}).t()},
          {"cond_stage_model.position_ids", at::arange(5, at::kInt)},
          {"alphas_cumprod", at::full({2}, 0.9991F)}};
}

/// The tensors converted to a file and read back.
Tensors converted(const Tensors& tensors, const ConvertOptions& options,
                  const std::string& name = "out.safetensors") {
  const TempFolder folder;
  const std::string path = (folder / name).string();
  convert_checkpoint(std::make_shared<const Checkpoint>("memory", tensors), path, options);
  const auto written = open_checkpoint(path);
  Tensors back;
  for (const TensorInfo& info : written->index()) back[info.name] = written->tensor(info).clone();
  return back;
}

std::vector<std::string> names_of(const Tensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

TEST(Convert, RefusesTheNumbersOfAQuantisedModel) {
  Tensors tensors = some_tensors();
  tensors["model.diffusion_model.out.0.scale_weight"] = at::ones({});
  expect_error(ErrorKind::kCheckpoint, "out.0.weight expected plain numbers",
               [&] { converted(tensors, {}); });
  tensors = some_tensors();
  tensors["model.diffusion_model.out.0.weight"] = at::ones({4}, at::kChar);
  expect_error(ErrorKind::kCheckpoint, "found whole numbers (i8)", [&] { converted(tensors, {}); });
}

TEST(Convert, KeepsOneSetOfTheUNetsWeightsAndEveryOtherTensor) {
  const std::vector<std::string> expected = {"alphas_cumprod",
                                             "cond_stage_model.position_ids",
                                             "cond_stage_model.t",
                                             "first_stage_model.a",
                                             "model.diffusion_model.out.0.bias",
                                             "model.diffusion_model.out.0.weight"};
  for (const char* name : {"out.safetensors", "out.ckpt"}) {
    const Tensors plain = converted(some_tensors(), {}, name);
    EXPECT_EQ(names_of(plain), expected);
    EXPECT_TRUE(at::equal(plain.at("model.diffusion_model.out.0.weight"),
                          at::arange(4, at::kFloat) + 0.1F));
    EXPECT_EQ(plain.at("model.diffusion_model.out.0.bias").scalar_type(), at::kHalf);
    EXPECT_TRUE(
        at::equal(plain.at("cond_stage_model.t"), at::arange(6, at::kFloat).view({2, 3}).t()));
    EXPECT_TRUE(at::equal(plain.at("cond_stage_model.position_ids"), at::arange(5)));
    EXPECT_EQ(plain.at("first_stage_model.a").scalar_type(), at::kFloat);
  }
}

TEST(Convert, PutsTheAverageInThePlaceOfTheWeight) {
  const Tensors ema = converted(some_tensors(), {.dtype = std::nullopt, .ema = true});
  EXPECT_EQ(ema.size(), 6U);
  EXPECT_TRUE(at::equal(ema.at("model.diffusion_model.out.0.weight"), at::full({4}, 5.5F)));
  // (Written as precise as the weight was.)
  EXPECT_TRUE(
      at::equal(ema.at("model.diffusion_model.out.0.bias").to(at::kFloat), at::full({2}, 6.5F)));
}

TEST(Convert, HalvesTheNetworksAndNotTheSchedule) {
  const Tensors half = converted(some_tensors(), {.dtype = at::kHalf});
  EXPECT_EQ(half.at("cond_stage_model.t").scalar_type(), at::kHalf);
  EXPECT_EQ(half.at("alphas_cumprod").scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(half.at("alphas_cumprod"), at::full({2}, 0.9991F)));
  const Tensors full = converted(some_tensors(), {.dtype = at::kFloat});
  EXPECT_EQ(full.at("model.diffusion_model.out.0.bias").scalar_type(), at::kFloat);
}

TEST(Convert, RefusesWhatCannotBeWritten) {
  const TempFolder folder;
  const auto convert = [&](const Tensors& tensors, const std::string& name,
                           const ConvertOptions& options) {
    convert_checkpoint(std::make_shared<const Checkpoint>("memory", tensors),
                       (folder / name).string(), options);
  };
  Tensors tensors = some_tensors();
  expect_error(ErrorKind::kUsage, ".safetensors or .ckpt",
               [&] { convert(tensors, "out.bin", {}); });
  folder.write("taken.ckpt", "here");
  expect_error(ErrorKind::kFile, "already there", [&] { convert(tensors, "taken.ckpt", {}); });
  tensors["first_stage_model.large"] = at::full({2}, 1e6F);
  expect_error(ErrorKind::kCheckpoint, "first_stage_model.large",
               [&] { convert(tensors, "half.safetensors", {.dtype = at::kHalf}); });
  EXPECT_FALSE(std::filesystem::exists(folder / "half.safetensors"));
  tensors.erase("model_ema.diffusion_modelout0bias");
  expect_error(ErrorKind::kCheckpoint, "model.diffusion_model.out.0.bias",
               [&] { convert(tensors, "ema.safetensors", {.dtype = std::nullopt, .ema = true}); });
}

}  // namespace
}  // namespace sd::test
