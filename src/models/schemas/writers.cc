// Configs as diffusers and the reference write them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "models/convert_layout.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"

namespace sd::models {
namespace {

using json = nlohmann::ordered_json;

std::vector<int64_t> channels_of(int64_t first, const std::vector<int64_t>& multiples) {
  std::vector<int64_t> all;
  all.reserve(multiples.size());
  for (const int64_t multiple : multiples) all.push_back(first * multiple);
  return all;
}

[[noreturn]] void cannot_say(const std::string& what) {
  throw Error(ErrorKind::kCheckpoint, "diffusers' configs of SD 1 cannot say " + what,
              "write the model to one file");
}

void require_sayable(const ModelConfig& config) {
  if (config.text_family != TextFamily::kClip) cannot_say("a text encoder other than CLIP's");
  if (config.unet.num_heads < 1) cannot_say("num_head_channels");
  if (!config.unet.conv_resample) cannot_say("conv_resample False");
  if (config.unet.use_scale_shift_norm) cannot_say("use_scale_shift_norm");
  if (config.unet.resblock_updown) cannot_say("resblock_updown");
  if (!config.first_stage.attn_resolutions.empty()) cannot_say("attn_resolutions");
  if (!config.first_stage.resamp_with_conv) cannot_say("resamp_with_conv False");
  if (config.first_stage.embed_dim != config.first_stage.z_channels) {
    cannot_say("an embed_dim other than z_channels");
  }
}

json unet_json(const ModelConfig& config) {
  const UNetConfig& unet = config.unet;
  std::vector<std::string> down, up;
  for (size_t level = 0; level < unet.channel_mult.size(); ++level) {
    const auto& at = unet.attention_resolutions;
    const bool attends = std::find(at.begin(), at.end(), int64_t{1} << level) != at.end();
    down.emplace_back(attends ? "CrossAttnDownBlock2D" : "DownBlock2D");
    up.emplace(up.begin(), attends ? "CrossAttnUpBlock2D" : "UpBlock2D");
  }
  return {{"_class_name", "UNet2DConditionModel"},
          {"act_fn", "silu"},
          {"attention_head_dim", unet.num_heads},
          {"block_out_channels", channels_of(unet.model_channels, unet.channel_mult)},
          {"center_input_sample", false},
          {"cross_attention_dim", unet.context_dim},
          {"down_block_types", down},
          {"downsample_padding", 1},
          {"flip_sin_to_cos", true},
          {"freq_shift", 0},
          {"in_channels", unet.in_channels},
          {"layers_per_block", unet.num_res_blocks},
          {"mid_block_scale_factor", 1},
          {"norm_eps", 1e-5},
          {"norm_num_groups", unet.num_groups},
          {"out_channels", unet.out_channels},
          {"sample_size", config.image_size},
          {"transformer_layers_per_block", unet.transformer_depth},
          {"up_block_types", up}};
}

json vae_json(const ModelConfig& config) {
  const AutoencoderConfig& vae = config.first_stage;
  const std::vector<std::string> down(vae.ch_mult.size(), "DownEncoderBlock2D");
  const std::vector<std::string> up(vae.ch_mult.size(), "UpDecoderBlock2D");
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", channels_of(vae.ch, vae.ch_mult)},
          {"down_block_types", down},
          {"in_channels", 3},
          {"latent_channels", vae.z_channels},
          {"layers_per_block", vae.num_res_blocks},
          {"norm_num_groups", vae.num_groups},
          {"out_channels", 3},
          {"sample_size", vae.resolution},
          {"scaling_factor", config.scale_factor},
          {"up_block_types", up}};
}

json scheduler_json(const ModelConfig& config) {
  return {{"_class_name", "PNDMScheduler"},
          {"beta_end", config.linear_end},
          {"beta_schedule", "scaled_linear"},
          {"beta_start", config.linear_start},
          {"num_train_timesteps", config.timesteps},
          {"prediction_type", config.predicts_v ? "v_prediction" : "epsilon"},
          {"rescale_betas_zero_snr", config.zero_snr},
          {"set_alpha_to_one", false},
          {"skip_prk_steps", true},
          {"steps_offset", 1},
          {"trained_betas", nullptr}};
}

json index_json(const ModelConfig& config) {
  const json none = {nullptr, nullptr};
  return {{"_class_name",
           config.inpaints() ? "StableDiffusionInpaintPipeline" : "StableDiffusionPipeline"},
          {"feature_extractor", none},
          {"safety_checker", none},
          {"scheduler", {"diffusers", "PNDMScheduler"}},
          {"text_encoder", {"transformers", "CLIPTextModel"}},
          {"tokenizer", {"transformers", "CLIPTokenizer"}},
          {"unet", {"diffusers", "UNet2DConditionModel"}},
          {"vae", {"diffusers", "AutoencoderKL"}}};
}

std::string list(const std::vector<int64_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

std::string number(double value) { return nlohmann::json(value).dump(); }

std::string flag(bool on) { return on ? "True" : "False"; }

std::string number(int64_t value) { return std::to_string(value); }

/// "key: value" lines, so far in.
std::string lines(int indent, const std::vector<std::pair<const char*, std::string>>& values) {
  std::string text;
  for (const auto& [key, value] : values) {
    text += std::string(static_cast<size_t>(indent), ' ') + key + ":" +
            (value.empty() ? "" : " " + value) + "\n";
  }
  return text;
}

std::string unet_yaml(const UNetConfig& unet) {
  return lines(4, {{"unet_config", ""}}) +
         lines(6,
               {{"target", "ldm.modules.diffusionmodules.openaimodel.UNetModel"}, {"params", ""}}) +
         lines(8, {{"in_channels", number(unet.in_channels)},
                   {"out_channels", number(unet.out_channels)},
                   {"model_channels", number(unet.model_channels)},
                   {"channel_mult", list(unet.channel_mult)},
                   {"num_res_blocks", number(unet.num_res_blocks)},
                   {"attention_resolutions", list(unet.attention_resolutions)},
                   {"num_heads", number(unet.num_heads)},
                   {"num_head_channels", number(unet.num_head_channels)},
                   {"num_groups", number(unet.num_groups)},
                   {"conv_resample", flag(unet.conv_resample)},
                   {"use_scale_shift_norm", flag(unet.use_scale_shift_norm)},
                   {"resblock_updown", flag(unet.resblock_updown)},
                   {"use_spatial_transformer", "True"},
                   {"transformer_depth", number(unet.transformer_depth)},
                   {"context_dim", number(unet.context_dim)}});
}

std::string vae_yaml(const AutoencoderConfig& vae) {
  return lines(4, {{"first_stage_config", ""}}) +
         lines(6, {{"target", "ldm.models.autoencoder.AutoencoderKL"}, {"params", ""}}) +
         lines(8, {{"embed_dim", number(vae.embed_dim)}, {"ddconfig", ""}}) +
         lines(10, {{"double_z", "True"},
                    {"z_channels", number(vae.z_channels)},
                    {"resolution", number(vae.resolution)},
                    {"in_channels", number(vae.in_channels)},
                    {"out_ch", number(vae.out_ch)},
                    {"ch", number(vae.ch)},
                    {"ch_mult", list(vae.ch_mult)},
                    {"num_res_blocks", number(vae.num_res_blocks)},
                    {"attn_resolutions", list(vae.attn_resolutions)},
                    {"num_groups", number(vae.num_groups)},
                    {"resamp_with_conv", flag(vae.resamp_with_conv)}});
}

std::string text_yaml(const ModelConfig& config, const std::string& clip) {
  const std::string head = lines(4, {{"cond_stage_config", ""}});
  if (config.text_family == TextFamily::kClip) {
    return head +
           lines(6,
                 {{"target", "ldm.modules.encoders.modules.FrozenCLIPEmbedder"}, {"params", ""}}) +
           lines(8, {{"version", nlohmann::json(clip).dump()}});
  }
  const BertTextConfig& bert = config.bert_text;
  return head +
         lines(6, {{"target", "ldm.modules.encoders.modules.BERTEmbedder"}, {"params", ""}}) +
         lines(8, {{"n_embed", number(bert.n_embed)},
                   {"n_layer", number(bert.n_layer)},
                   {"vocab_size", number(bert.vocab_size)}});
}

}  // namespace

std::string clip_json(const ClipTextConfig& config) {
  return json({{"architectures", {"CLIPTextModel"}},
               {"hidden_act", config.hidden_act},
               {"hidden_size", config.hidden_size},
               {"intermediate_size", config.intermediate_size},
               {"layer_norm_eps", 1e-5},
               {"max_position_embeddings", config.max_position_embeddings},
               {"model_type", "clip_text_model"},
               {"num_attention_heads", config.num_attention_heads},
               {"num_hidden_layers", config.num_hidden_layers},
               {"vocab_size", config.vocab_size}})
             .dump(2) +
         "\n";
}

DiffusersConfigs diffusers_configs(const ModelConfig& config) {
  require_sayable(config);
  const auto text = [](const json& value) { return value.dump(2) + "\n"; };
  return {{"model_index.json", text(index_json(config))},
          {"scheduler/scheduler_config.json", text(scheduler_json(config))},
          {"text_encoder/config.json", clip_json(config.clip_text)},
          {"unet/config.json", text(unet_json(config))},
          {"vae/config.json", text(vae_json(config))}};
}

std::string yaml_of(const ModelConfig& config, const std::string& clip) {
  const char* name = config.inpaints() ? "LatentInpaintDiffusion" : "LatentDiffusion";
  return lines(0, {{"model", ""}}) +
         lines(2, {{"target", std::string("ldm.models.diffusion.ddpm.") + name}, {"params", ""}}) +
         lines(4, {{"linear_start", number(config.linear_start)},
                   {"linear_end", number(config.linear_end)},
                   {"timesteps", number(config.timesteps)},
                   {"image_size", number(config.image_size)},
                   {"channels", number(config.channels)},
                   {"conditioning_key", config.inpaints() ? "hybrid" : "crossattn"},
                   {"parameterization", config.predicts_v ? "v" : "eps"},
                   {"scale_factor", number(config.scale_factor)},
                   {"use_ema", "False"}}) +
         unet_yaml(config.unet) + vae_yaml(config.first_stage) + text_yaml(config, clip);
}

}  // namespace sd::models
