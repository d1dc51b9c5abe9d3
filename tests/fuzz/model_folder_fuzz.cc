// Any bytes in the place of one JSON file of a diffusers folder are a config within bounds, or an
// index of files beside it, or an error that says why not. The first byte says of which file.
#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "models/layouts/part_files.h"
#include "models/schemas/schemas.h"
#include "support/fuzz.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace {

constexpr std::string_view kConfigs[] = {"unet/config.json", "vae/config.json",
                                         "text_encoder/config.json",
                                         "scheduler/scheduler_config.json"};
constexpr const char* kIndex = "unet/diffusion_pytorch_model.safetensors.index.json";

constexpr const char* kUnet = R"({"block_out_channels": [32, 64], "cross_attention_dim": 32,
  "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "attention_head_dim": 4})";
constexpr const char* kVae = R"({"block_out_channels": [32, 32]})";
constexpr const char* kText = R"({"hidden_size": 32, "intermediate_size": 64,
  "num_hidden_layers": 1, "num_attention_heads": 4, "hidden_act": "quick_gelu"})";

/// A sound folder whose UNet lies in two files, and a file outside of it that nothing may name.
class Folder {
 public:
  Folder() {
    restore();
    for (const char* name : {"m/unet/a.safetensors", "m/unet/b.safetensors", "out.safetensors"}) {
      files_.write(name, "");
      std::filesystem::remove(files_ / name);
      sd::test::write_tensors(files_ / name, {{name, at::ones({1})}});
    }
  }
  void restore() const {
    files_.write("m/unet/config.json", kUnet);
    files_.write("m/vae/config.json", kVae);
    files_.write("m/text_encoder/config.json", kText);
    files_.write("m/scheduler/scheduler_config.json", "{}");
  }
  void write(std::string_view name, const std::string& text) const {
    files_.write("m/" + std::string(name), text);
  }
  std::filesystem::path path() const { return files_ / "m"; }

 private:
  sd::test::TempFolder files_;
};

void read_config(const Folder& folder, std::string_view name, const std::string& text) {
  folder.write(name, text);
  const sd::models::ModelConfig config = sd::models::read_diffusers_config(folder.path());
  sd::test::require(config.timesteps > 0 && config.image_size > 0, "a count of nothing");
  sd::test::require(config.unet.context_dim == config.clip_text.hidden_size, "another width");
  sd::test::require(config.scale_factor != 0, "a factor of 0");
  sd::test::require(config.unet.channel_mult.size() <= 8, "endless levels");
}

void read_index(const Folder& folder, const std::string& text) {
  folder.write(kIndex, text);
  const auto unet =
      sd::models::open_part(sd::models::network_files(folder.path(), folder.path() / "unet"));
  sd::test::require(unet->find("out.safetensors") == nullptr, "a file outside was read");
  sd::test::require(!unet->index().empty(), "an index of nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  if (size == 0) return 0;
  const size_t which = data[0] % (std::size(kConfigs) + 1);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  sd::test::expect_error_kinds({sd::ErrorKind::kCheckpoint, sd::ErrorKind::kFile}, [&] {
    if (which < std::size(kConfigs)) {
      read_config(folder, kConfigs[which], text);
    } else {
      read_index(folder, text);
    }
  });
  folder.restore();
  return 0;
}
