#include <fmt/core.h>

#include "models/schemas/schemas.h"

namespace sd::models {
namespace {

/// Throws for numbers that do not go together.
void check(const UNetConfig& config, const Params& params) {
  if (config.context_dim == -1) params.fail("context_dim", "the width of the text encoder");
  if (config.num_heads == -1 && config.num_head_channels == -1) {
    params.fail("num_heads", "set (or num_head_channels)");
  }
  if (config.channel_mult.empty() || config.channel_mult.size() > 8) {
    params.fail("channel_mult", "a list of 1 to 8 whole numbers");
  }
  // The reference's last convolution takes this for granted.
  if (config.channel_mult.front() != 1) {
    params.fail("channel_mult", "a list that begins with 1");
  }
  for (const int64_t mult : config.channel_mult) {
    const int64_t channels = mult * config.model_channels;
    if (channels > kMostChannels) {
      params.fail("channel_mult",
                  fmt::format("such that no level has more than {} channels", kMostChannels));
    }
    if (channels % config.num_groups != 0) {
      params.fail("model_channels",
                  fmt::format("such that every level's channels are a multiple of {} ({} are not)",
                              config.num_groups, channels));
    }
    if (config.num_heads > channels || config.num_head_channels > channels) {
      params.fail("num_heads", fmt::format("at most the channels of every level ({})", channels));
    }
  }
}

}  // namespace

UNetConfig read_unet_config(Params params) {
  UNetConfig config;
  config.in_channels = params.integer("in_channels", config.in_channels, kMostChannels);
  config.out_channels = params.integer("out_channels", config.out_channels, kMostChannels);
  config.model_channels = params.integer("model_channels", config.model_channels, kMostChannels);
  config.num_res_blocks = params.integer("num_res_blocks", config.num_res_blocks, kMostBlocks);
  config.attention_resolutions =
      params.integers("attention_resolutions", config.attention_resolutions);
  config.channel_mult = params.integers("channel_mult", {1, 2, 4, 8});
  config.num_heads = params.integer("num_heads", -1);
  config.num_head_channels = params.integer("num_head_channels", -1);
  config.transformer_depth = params.integer("transformer_depth", 1, kMostBlocks);
  config.context_dim = params.integer("context_dim", -1, kMostChannels);
  config.conv_resample = params.boolean("conv_resample", true);
  config.use_scale_shift_norm = params.boolean("use_scale_shift_norm", false);
  config.resblock_updown = params.boolean("resblock_updown", false);
  config.num_groups = params.integer("num_groups", 32);
  params.only_boolean("use_spatial_transformer", true);
  params.only_integer("dims", 2);
  params.only_absent("num_classes");
  params.only_absent("n_embed");
  params.ignore({"image_size", "dropout", "use_checkpoint", "use_fp16", "legacy",
                 "num_heads_upsample", "use_new_attention_order"});
  params.finish();
  check(config, params);
  return config;
}

}  // namespace sd::models
