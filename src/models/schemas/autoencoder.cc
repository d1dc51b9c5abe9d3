#include <fmt/core.h>

#include "models/schemas/schemas.h"

namespace sd::models {
namespace {

/// Throws for numbers that do not go together.
void check(const AutoencoderConfig& config, const Params& ddconfig) {
  if (config.ch_mult.empty() || config.ch_mult.size() > 8) {
    ddconfig.fail("ch_mult", "a list of 1 to 8 whole numbers");
  }
  if (config.in_channels != 3 || config.out_ch != 3) {
    ddconfig.fail("out_ch", "3, as in_channels (red, green, blue)");
  }
  for (const int64_t mult : config.ch_mult) {
    if (mult * config.ch > kMostChannels) {
      ddconfig.fail("ch_mult",
                    fmt::format("such that no level has more than {} channels", kMostChannels));
    }
    if (mult * config.ch % config.num_groups != 0) {
      ddconfig.fail("ch", fmt::format("such that every level's channels are a multiple of {}",
                                      config.num_groups));
    }
  }
}

}  // namespace

AutoencoderConfig read_autoencoder_config(Params params) {
  AutoencoderConfig config;
  config.embed_dim = params.integer("embed_dim", config.embed_dim, kMostChannels);
  params.ignore(
      {"monitor", "lossconfig", "ckpt_path", "ignore_keys", "image_key", "colorize_nlabels"});
  Params ddconfig = params.sub_map("ddconfig");
  config.z_channels = ddconfig.integer("z_channels", config.z_channels, kMostChannels);
  config.resolution = ddconfig.integer("resolution", config.resolution);
  config.in_channels = ddconfig.integer("in_channels", config.in_channels, kMostChannels);
  config.out_ch = ddconfig.integer("out_ch", config.out_ch, kMostChannels);
  config.ch = ddconfig.integer("ch", config.ch, kMostChannels);
  config.ch_mult = ddconfig.integers("ch_mult", {1, 2, 4, 8});
  config.num_res_blocks = ddconfig.integer("num_res_blocks", config.num_res_blocks, kMostBlocks);
  config.attn_resolutions = ddconfig.integers("attn_resolutions", {});
  config.resamp_with_conv = ddconfig.boolean("resamp_with_conv", true);
  config.num_groups = ddconfig.integer("num_groups", 32);
  ddconfig.only_boolean("double_z", true);
  ddconfig.only_boolean("tanh_out", false);
  ddconfig.only_boolean("give_pre_end", false);
  ddconfig.only_boolean("use_linear_attn", false);
  ddconfig.only_text("attn_type", "vanilla");
  ddconfig.ignore({"dropout"});
  ddconfig.finish();
  params.finish();
  check(config, ddconfig);
  return config;
}

}  // namespace sd::models
