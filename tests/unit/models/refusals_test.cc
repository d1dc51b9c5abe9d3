// Files that are no model to draw with: what the error calls them.

#include <gtest/gtest.h>

#include "models/model_source.h"
#include "support/checkpoint_writer.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;

namespace {

namespace fs = std::filesystem;

/// Opens the file as a checkpoint of the small model.
void open(const fs::path& file) {
  const TempFolder folder;
  open_model({.checkpoint = file,
              .config = write_config(folder, tiny_config()),
              .weights = WeightChoice::kConfig});
}

TEST(Refusals, SayWhatAFileIs) {
  const std::string unet = "model.diffusion_model.out.2.weight";
  const std::vector<std::pair<std::vector<std::string>, const char*>> files = {
      {{unet, "conditioner.embedders.0.transformer.x"}, "found an SDXL model"},
      {{unet, "conditioner.embedders.0.model.x"}, "found an SDXL refiner"},
      {{unet, "cond_stage_model.model.ln_final.weight"}, "found a Stable Diffusion 2 model"},
      {{unet, "cond_stage_model.model.x", "depth_model.x"}, "found a depth model"},
      {{"model.diffusion_model.joint_blocks.0.x"}, "found a Stable Diffusion 3 model"},
      {{"double_blocks.0.x", "single_blocks.0.x"}, "found a FLUX model"},
      {{"control_model.x"}, "found a ControlNet"},
      {{"controlnet_cond_embedding.x"}, "found a ControlNet"},
      {{"lora_unet_x.lora_up.weight"}, "found a LoRA adapter"},
      {{"emb_params"}, "found a textual inversion embedding"},
      {{"768.0.linear.0.weight"}, "found a hypernetwork"},
      {{"ip_adapter.1.x"}, "found an IP-Adapter"},
      {{"encoder.conv_in.weight", "decoder.conv_in.weight"}, "found an autoencoder alone"},
      {{"encoder.layers.0.weight", "decoder.layers.0.weight"}, "found a TAESD"},
      {{"1.weight", "3.conv.0.weight"}, "found the decoder of a TAESD"},
      {{"conv_in.weight", "down_blocks.0.x", "mid_block.x"},
       "found the UNet of a diffusers folder"},
      {{unet}, "found a UNet without a text encoder"},
      {{unet, "cond_stage_model.transformer.text_model.x",
        "model.diffusion_model.time_embed.cond_proj.weight"},
       "found a distilled one"},
      {{"a.weight"}, "found none of the names"},
  };
  for (const auto& [names, part] : files) {
    const TempFile file(safetensors_of(names));
    expect_error(ErrorKind::kCheckpoint, part, [&] { open(file.path()); });
  }
}

/// The published kinds, as small files.
TEST(Refusals, TakeNoMoreThanALine) {
  const fs::path folder = fs::path(SD_SOURCE_DIR) / "../shared/models/refuse";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  int refused = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") continue;
    if (entry.path().stem() == "v-pred-marked") continue;  // drawn with, were it whole
    SCOPED_TRACE(entry.path());
    try {
      open(entry.path());
      ADD_FAILURE() << "was taken for a model";
    } catch (const Error& error) {
      EXPECT_TRUE(error.exit_code() == 3 || error.exit_code() == 4);
      EXPECT_TRUE(error.details().empty());
      EXPECT_FALSE(error.hint().empty());
      ++refused;
    }
  }
  EXPECT_GE(refused, 20);
}

}  // namespace
}  // namespace sd::test
