#include "models/model_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "models/families.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

void require_target(const std::string& found, const std::string& expected, const fs::path& yaml) {
  if (found == expected) return;
  throw Error(ErrorKind::kCheckpoint,
              "config " + printable(yaml.string()) + ": expected the class " + expected +
                  ", found " + printable(found, 80),
              "this program runs latent diffusion models with the layout of Stable Diffusion v1");
}

/// Throws for numbers that do not go together. `context`: the width of the text encoder.
void check(const ModelConfig& config, int64_t context, const Params& params) {
  if (config.unet.context_dim != context) {
    params.fail("unet_config.params.context_dim",
                fmt::format("the width of the text encoder, {} (it is {})", context,
                            config.unet.context_dim));
  }
  const bool fits = config.unet.in_channels == config.channels || config.inpaints();
  if (!fits || config.unet.out_channels != config.channels ||
      config.first_stage.embed_dim != config.channels) {
    params.fail("channels",
                "the same as in_channels and out_channels of the UNet and embed_dim of "
                "the autoencoder (in_channels of an inpainting model: twice that and one)");
  }
  const char* key = config.inpaints() ? "hybrid" : "crossattn";
  if (config.conditioning_key != key) {
    params.fail("conditioning_key", std::string(key) + ", with so many in_channels");
  }
  if (!(config.linear_start > 0 && config.linear_end > 0 && config.linear_start < 1 &&
        config.linear_end < 1)) {
    params.fail("linear_start", "between 0 and 1, as linear_end");
  }
  if (!std::isfinite(config.scale_factor) || config.scale_factor == 0) {
    params.fail("scale_factor", "a finite number other than 0");
  }
}

/// `plain`: whether the averaged weights are not taken where nothing is said of them, as
/// runwayml's script for inpainting does not.
ModelConfig read_model(Params params, const fs::path& yaml, bool plain) {
  ModelConfig config;
  config.linear_start = params.number("linear_start", config.linear_start);
  config.linear_end = params.number("linear_end", config.linear_end);
  config.timesteps = params.integer("timesteps", config.timesteps);
  config.image_size = params.integer("image_size", 64);
  config.channels = params.integer("channels", 4);
  config.scale_factor = params.number("scale_factor", 1.0);
  config.scale_by_std = params.boolean("scale_by_std", false);
  config.use_ema = params.boolean("use_ema", !plain);
  params.only_text("beta_schedule", "linear");
  const std::string predicts = params.text("parameterization", "eps");
  if (predicts != "eps" && predicts != "v") params.fail("parameterization", "eps or v");
  config.predicts_v = predicts == "v";
  config.conditioning_key = params.text("conditioning_key", "crossattn");
  params.only_boolean("concat_mode", true);
  params.only_text("masked_image_key", "masked_image");
  params.ignore({"base_learning_rate",
                 "num_timesteps_cond",
                 "log_every_t",
                 "first_stage_key",
                 "cond_stage_key",
                 "cond_stage_trainable",
                 "cond_stage_forward",
                 "monitor",
                 "scheduler_config",
                 "ckpt_path",
                 "ignore_keys",
                 "finetune_keys",
                 "keep_finetune_dims",
                 "c_concat_log_start",
                 "c_concat_log_end",
                 "load_only_unet",
                 "loss_type",
                 "clip_denoised",
                 "cosine_s",
                 "given_betas",
                 "original_elbo_weight",
                 "v_posterior",
                 "l_simple_weight",
                 "use_positional_encodings",
                 "learn_logvar",
                 "logvar_init"});
  std::string target;
  Params unet = params.sub_config("unet_config", &target);
  require_target(target, "ldm.modules.diffusionmodules.openaimodel.UNetModel", yaml);
  config.unet = read_unet_config(std::move(unet));
  Params first_stage = params.sub_config("first_stage_config", &target);
  require_target(target, "ldm.models.autoencoder.AutoencoderKL", yaml);
  config.first_stage = read_autoencoder_config(std::move(first_stage));
  Params text = params.sub_config("cond_stage_config", &target);
  const TextParts& parts = text_parts_of(target, yaml);
  config.text_family = parts.text;
  parts.read_config(std::move(text), yaml, &config);
  params.finish();
  check(config, parts.width(config), params);
  return config;
}

}  // namespace

int64_t ModelConfig::size_multiple() const {
  constexpr int64_t kReference = 64;
  const int64_t levels = static_cast<int64_t>(unet.channel_mult.size());
  return std::max(kReference, first_stage.factor() << (levels - 1));
}

ModelConfig read_model_config(const fs::path& path) {
  Params top(read_yaml(path), "config", path);
  std::string target;
  Params model = top.sub_config("model", &target);
  constexpr const char* kInpaint = "ldm.models.diffusion.ddpm.LatentInpaintDiffusion";
  if (target != kInpaint) require_target(target, "ldm.models.diffusion.ddpm.LatentDiffusion", path);
  return read_model(std::move(model), path, target == kInpaint);
}

}  // namespace sd::models
