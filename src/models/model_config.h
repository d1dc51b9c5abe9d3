#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace sd::models {

/// ldm.modules.diffusionmodules.openaimodel.UNetModel, with the reference's parameter names.
struct UNetConfig {
  int64_t in_channels = 4;
  int64_t out_channels = 4;
  int64_t model_channels = 320;
  int64_t num_res_blocks = 2;
  std::vector<int64_t> attention_resolutions = {4, 2, 1};
  std::vector<int64_t> channel_mult = {1, 2, 4, 4};
  int64_t num_heads = 8;           ///< -1: from num_head_channels
  int64_t num_head_channels = -1;  ///< -1: from num_heads
  int64_t transformer_depth = 1;
  int64_t context_dim = 768;
  bool conv_resample = true;
  bool use_scale_shift_norm = false;
  bool resblock_updown = false;
  int64_t num_groups = 32;  ///< ours: groups of every GroupNorm (32 in the reference)
};

/// ldm.models.autoencoder.AutoencoderKL and its ddconfig, with the reference's parameter names.
struct AutoencoderConfig {
  int64_t embed_dim = 4;
  int64_t z_channels = 4;
  int64_t resolution = 256;
  int64_t in_channels = 3;
  int64_t out_ch = 3;
  int64_t ch = 128;
  std::vector<int64_t> ch_mult = {1, 2, 4, 4};
  int64_t num_res_blocks = 2;
  std::vector<int64_t> attn_resolutions = {};
  bool resamp_with_conv = true;
  int64_t num_groups = 32;  ///< ours, as above

  /// Pixels a latent value stands for, along each side.
  int64_t factor() const { return int64_t{1} << (ch_mult.size() - 1); }
};

/// TAESD, the small stand-in for an autoencoder.
struct TaesdConfig {
  int64_t width = 64;    ///< of all its layers
  int64_t channels = 4;  ///< of the latent
  bool encodes = true;   ///< whether its encoder is there, too
};

/// The text tower of CLIP (FrozenCLIPEmbedder): Hugging Face's names. Defaults: ViT-L/14.
struct ClipTextConfig {
  int64_t vocab_size = 49408;
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t max_position_embeddings = text::kMaxTokens;
  std::string hidden_act = "quick_gelu";
};

/// The transformer of BERTEmbedder (latent-diffusion's text2img-large).
struct BertTextConfig {
  int64_t n_embed = 1280;
  int64_t n_layer = 32;
  int64_t vocab_size = 30522;
  int64_t max_seq_len = text::kMaxTokens;
};

/// Which text encoder conditions the UNet.
enum class TextFamily { kClip, kBert };

/// ldm.models.diffusion.ddpm.LatentDiffusion: what a YAML file of the reference says of a model.
struct ModelConfig {
  double linear_start = 1e-4;
  double linear_end = 2e-2;
  int64_t timesteps = 1000;
  int64_t image_size = 64;  ///< latent size that the model was trained at
  int64_t channels = 4;     ///< of the latent
  double scale_factor = 1.0;
  bool scale_by_std = false;
  std::string conditioning_key = "crossattn";  ///< hybrid: a mask and a masked picture, too
  bool use_ema = true;                         ///< the reference's default where the key is absent
  bool predicts_v = false;  ///< the UNet says v = alpha·eps - sigma·x0 and not eps
  /// Trained on a schedule whose last level is noise alone; only where the UNet says v.
  bool zero_snr = false;
  UNetConfig unet;
  AutoencoderConfig first_stage;
  std::optional<TaesdConfig> taesd = {};  ///< given in place of the autoencoder
  TextFamily text_family = TextFamily::kClip;
  ClipTextConfig clip_text;
  BertTextConfig bert_text;

  /// Whether the UNet reads a mask and a masked picture's latent beside the latent.
  bool inpaints() const { return unet.in_channels == 2 * channels + 1; }

  /// Width and height of a picture must be multiples of this.
  int64_t size_multiple() const;
};

/// Reads a config with the reference's keys (`target` and `params`). Throws kFile if the file
/// cannot be read, kCheckpoint, naming the key, if it is not such a config or asks for something
/// that this program does not compute.
ModelConfig read_model_config(const std::filesystem::path& path);

}  // namespace sd::models
