// The configs of diffusers' models, with its keys.

#include <fmt/core.h>
#include "base/strings.h"

#include "models/json_config.h"
#include "models/schemas/schemas.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

constexpr const char* kUnetHint = "it must be the config.json of a UNet2DConditionModel of SD 1";
constexpr const char* kVaeHint = "it must be the config.json of an AutoencoderKL";

/// Each level's channels as multiples of the first one's.
std::vector<int64_t> multiples(const JsonConfig& json, const std::vector<int64_t>& channels) {
  std::vector<int64_t> result;
  for (const int64_t count : channels) {
    if (count % channels.front() != 0) {
      json.fail("block_out_channels must be multiples of the first of them");
    }
    result.push_back(count / channels.front());
  }
  return result;
}

/// Throws for what this program does not compute, whatever its value in the file.
void require_known(const JsonConfig& json,
                   const std::vector<std::pair<const char*, nlohmann::json>>& known) {
  for (const auto& [key, value] : known) json.only(key, value);
}

UNetConfig read_unet(const fs::path& path, int64_t* sample_size) {
  const JsonConfig json(path, kUnetHint);
  require_known(json, {{"_class_name", "UNet2DConditionModel"},
                       {"act_fn", "silu"},
                       {"flip_sin_to_cos", true},
                       {"freq_shift", 0},
                       {"norm_eps", 1e-5},
                       {"center_input_sample", false},
                       {"downsample_padding", 1},
                       {"mid_block_scale_factor", 1},
                       {"class_embed_type", nullptr},
                       {"addition_embed_type", nullptr},
                       {"encoder_hid_dim", nullptr},
                       {"time_cond_proj_dim", nullptr},
                       {"only_cross_attention", false},
                       {"dual_cross_attention", false},
                       {"resnet_time_scale_shift", "default"}});
  UNetConfig config;
  const auto channels = json.integers("block_out_channels", {320, 640, 1280, 1280}, kMostChannels);
  config.in_channels = json.integer("in_channels", 4, kMostChannels);
  config.out_channels = json.integer("out_channels", 4, kMostChannels);
  config.model_channels = channels.front();
  config.channel_mult = multiples(json, channels);
  config.num_res_blocks = json.integer_of_levels("layers_per_block", 2, kMostBlocks);
  config.context_dim = json.integer_of_levels("cross_attention_dim", 1280, kMostChannels);
  config.transformer_depth = json.integer_of_levels("transformer_layers_per_block", 1, kMostBlocks);
  config.num_groups = json.integer("norm_num_groups", 32, kMostChannels);
  // In SD 1 "attention_head_dim" is the number of heads; later versions call it by its name.
  const char* heads =
      json.is_null("num_attention_heads") ? "attention_head_dim" : "num_attention_heads";
  config.num_heads = json.integer_of_levels(heads, 8, kMostChannels);
  config.attention_resolutions.clear();
  const auto types = json.texts("down_block_types", {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                                     "CrossAttnDownBlock2D", "DownBlock2D"});
  if (types.size() != channels.size()) json.fail("down_block_types must be one per level");
  for (size_t level = 0; level < types.size(); ++level) {
    if (types[level] == "CrossAttnDownBlock2D") {
      config.attention_resolutions.push_back(int64_t{1} << level);
    } else if (types[level] != "DownBlock2D") {
      json.fail("down_block_types must be CrossAttnDownBlock2D or DownBlock2D, found " +
                printable(types[level], 60));
    }
  }
  for (const int64_t count : channels) {
    if (count % config.num_groups != 0 || config.num_heads > count) {
      json.fail("block_out_channels must be multiples of norm_num_groups, and at least the heads");
    }
  }
  constexpr int64_t kUsualSize = 64;
  *sample_size = json.is_null("sample_size")
                     ? kUsualSize
                     : json.integer_of_levels("sample_size", kUsualSize, kMostNumber);
  return config;
}

void read_scheduler(const fs::path& path, ModelConfig* config) {
  config->linear_start = 0.00085;
  config->linear_end = 0.012;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  const JsonConfig json(path, "it must be a scheduler's config of SD 1");
  require_known(json, {{"beta_schedule", "scaled_linear"}, {"trained_betas", nullptr}});
  config->predicts_v =
      json.text("prediction_type", "epsilon", {"epsilon", "v_prediction"}) == "v_prediction";
  // What a UNet says of noise alone, where it says the noise, tells nothing of a picture.
  if (!config->predicts_v) json.only("rescale_betas_zero_snr", false);
  config->zero_snr = json.boolean("rescale_betas_zero_snr", false);
  config->linear_start = json.number("beta_start", config->linear_start);
  config->linear_end = json.number("beta_end", config->linear_end);
  config->timesteps = json.integer("num_train_timesteps", 1000, kMostNumber);
  for (const double beta : {config->linear_start, config->linear_end}) {
    if (!(beta > 0 && beta < 1)) json.fail("beta_start and beta_end must be between 0 and 1");
  }
}

}  // namespace

AutoencoderConfig read_diffusers_vae(const fs::path& path, double* scaling_factor) {
  const JsonConfig json(path, kVaeHint);
  require_known(json, {{"_class_name", "AutoencoderKL"},
                       {"act_fn", "silu"},
                       {"in_channels", 3},
                       {"out_channels", 3},
                       {"shift_factor", nullptr},
                       {"use_quant_conv", true},
                       {"use_post_quant_conv", true},
                       {"mid_block_add_attention", true}});
  AutoencoderConfig config;
  const auto channels = json.integers("block_out_channels", {64}, kMostChannels);
  config.ch = channels.front();
  config.ch_mult = multiples(json, channels);
  config.num_res_blocks = json.integer("layers_per_block", 1, kMostBlocks);
  config.z_channels = config.embed_dim = json.integer("latent_channels", 4, kMostChannels);
  config.num_groups = json.integer("norm_num_groups", 32, kMostChannels);
  for (const int64_t count : channels) {
    if (count % config.num_groups != 0) {
      json.fail("block_out_channels must be multiples of norm_num_groups");
    }
  }
  *scaling_factor = json.number("scaling_factor", 0.18215);
  if (*scaling_factor == 0) json.fail("scaling_factor must not be 0");
  return config;
}

ModelConfig read_diffusers_config(const fs::path& folder) {
  ModelConfig config;
  config.use_ema = false;
  config.unet = read_unet(folder / "unet" / "config.json", &config.image_size);
  config.first_stage = read_diffusers_vae(folder / "vae" / "config.json", &config.scale_factor);
  config.clip_text = read_clip_json(folder / "text_encoder" / "config.json");
  read_scheduler(folder / "scheduler" / "scheduler_config.json", &config);
  config.channels = config.first_stage.embed_dim;
  const JsonConfig json(folder / "unet" / "config.json", kUnetHint);
  if (config.unet.context_dim != config.clip_text.hidden_size) {
    json.fail(fmt::format("cross_attention_dim must be the width of the text encoder, {}",
                          config.clip_text.hidden_size));
  }
  if (config.unet.in_channels == 2 * config.channels) {
    json.fail("in_channels are those of InstructPix2Pix, which this program does not draw with");
  }
  const bool fits = config.unet.in_channels == config.channels || config.inpaints();
  if (!fits || config.unet.out_channels != config.channels) {
    json.fail(
        fmt::format("in_channels and out_channels must be those of the latent, {} (in_channels of "
                    "an inpainting model {})",
                    config.channels, 2 * config.channels + 1));
  }
  return config;
}

}  // namespace sd::models
