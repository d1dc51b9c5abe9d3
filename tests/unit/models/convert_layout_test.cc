// A model in another layout: what is checked before anything is written, and as what it is written.

#include "models/convert_layout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/latent_diffusion.h"
#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;
using namespace weights;

namespace {

namespace fs = std::filesystem;

constexpr const char* kWeight = "model.diffusion_model.time_embed.0.bias";

class ConvertLayout : public testing::Test {
 protected:
  void SetUp() override {
    config_ = read_model_config(write_config(folder_, tiny_config()));
    for (const auto& [name, shape] : wanted_tensors(config_)) {
      tensors_[name] = at::full(shape, 0.25F, at::kHalf);
    }
  }

  ModelSource source() const {
    return one_file_source(std::make_shared<const Checkpoint>("memory", tensors_), config_,
                           WeightChoice::kPlain);
  }
  /// What lies in the folder where models are written to.
  std::vector<std::string> written() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "out")) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempFolder folder_;
  const fs::path out_ = folder_.write("out/here", "").parent_path();
  ModelConfig config_;
  std::map<std::string, at::Tensor> tensors_;
};

TEST_F(ConvertLayout, ChecksTheNameBeforeAnythingIsWritten) {
  expect_error(ErrorKind::kUsage, ".safetensors or .ckpt",
               [&] { write_one_file(source(), out_ / "m.bin", {}); });
  folder_.write("out/taken.ckpt", "");
  folder_.write("out/m.yaml", "");
  expect_error(ErrorKind::kFile, "taken.ckpt is already there",
               [&] { write_one_file(source(), out_ / "taken.ckpt", {}); });
  expect_error(ErrorKind::kFile, "m.yaml is already there",
               [&] { write_one_file(source(), out_ / "m.safetensors", {}); });
  expect_error(ErrorKind::kFile, "out is already there",
               [&] { write_diffusers_folder(source(), out_, {}); });
  EXPECT_EQ(written(), std::vector<std::string>({"here", "m.yaml", "taken.ckpt"}));
}

TEST_F(ConvertLayout, NamesAllThatCannotBeWrittenBeforeItBegins) {
  tensors_.erase(kWeight);
  tensors_["first_stage_model.quant_conv.bias"] = at::zeros({3}, at::kHalf);
  expect_error(ErrorKind::kCheckpoint, "time_embed.0.bias",
               [&] { write_one_file(source(), out_ / "m.safetensors", {}); });
  expect_error(ErrorKind::kCheckpoint, "time_embed.0.bias",
               [&] { write_diffusers_folder(source(), out_ / "m", {}); });
  EXPECT_EQ(written(), std::vector<std::string>({"here"}));
}

TEST_F(ConvertLayout, LeavesNothingOfAModelBeyondHalfPrecision) {
  tensors_[kWeight] = at::full_like(tensors_[kWeight], 1e6, at::kFloat);
  expect_error(ErrorKind::kCheckpoint, "half precision's 65504",
               [&] { write_one_file(source(), out_ / "m.ckpt", {.dtype = at::kHalf}); });
  EXPECT_EQ(written(), std::vector<std::string>({"here"}));
}

TEST_F(ConvertLayout, KeepsEditedWeightsExact) {
  ModelSource edited = source();
  edited.unet.edits.push_back(
      {.touches = [](std::string_view name) { return name == kWeight; },
       .apply = [](std::string_view, const at::Tensor& values) { return values + 1e-5; }});
  write_one_file(edited, out_ / "m.safetensors", {});
  const auto file = open_checkpoint(out_ / "m.safetensors");
  const at::Tensor exact = file->tensor(*file->find(kWeight));
  EXPECT_EQ(exact.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(exact, at::full_like(exact, 0.25001), 0, 1e-7));
  const TensorInfo* other = file->find("model.diffusion_model.time_embed.2.bias");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->dtype, at::kHalf);
}

TEST_F(ConvertLayout, WritesTheScaleFactorThatTrainingMeasured) {
  config_.scale_by_std = true;
  config_.scale_factor = 1;
  tensors_["scale_factor"] = at::full({}, 0.375F);
  write_diffusers_folder(source(), out_ / "m", {});
  const ModelSource folder = open_model({.checkpoint = out_ / "m", .config = ""});
  EXPECT_EQ(folder.config.scale_factor, 0.375);
  write_one_file(source(), out_ / "one.safetensors", {});
  EXPECT_EQ(read_model_config(out_ / "one.yaml").scale_factor, 0.375);
}

}  // namespace
}  // namespace sd::test
