#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Functions from the reference's names to those of other writers (NameMap).
namespace sd::weights {

/// How names of the UNet and of text encoders begin in the reference's checkpoints.
inline constexpr std::string_view kUnetPrefix = "model.diffusion_model.";
inline constexpr std::string_view kTextPrefix = "cond_stage_model.";

/// The trainer's averaged weights: "model.diffusion_model.out.0.weight" is stored as
/// "model_ema.diffusion_modelout0weight". Other parts have no averages and keep their names.
std::string ema_name(std::string_view name);

/// Some tuned models of 2022 leave "text_model." out of the names of CLIP's text tower.
std::string short_text_name(std::string_view name);

/// The names in the parts of a diffusers folder: of the UNet
/// ("down_blocks.0.resnets.1.conv1.weight") with so many residual blocks a level, of the
/// autoencoder with so many levels, and of the text encoder. Names of other parts stay.
std::string diffusers_unet_name(std::string_view name, int64_t res_blocks);
std::string diffusers_vae_name(std::string_view name, int64_t levels);
std::string diffusers_text_name(std::string_view name);

/// Until 2023 the autoencoder's attention was named query, key, value and proj_attn.
std::string old_diffusers_vae_name(std::string_view name, int64_t levels);

}  // namespace sd::weights
