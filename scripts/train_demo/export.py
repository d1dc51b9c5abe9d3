"""Writes the trained networks as a Stable Diffusion v1 checkpoint in half precision.

models/demo/model.safetensors  tensors named as in v1: cond_stage_model, model.diffusion_model,
                               first_stage_model, and the schedule's buffers (float32)
models/demo/model.yaml         the networks' sizes under CompVis's keys
models/demo/text/config.json   the text tower's sizes, as transformers' CLIPTextModel has them
models/demo/concepts.json      what the model was taught, for evaluations
"""

import json

import numpy as np
import safetensors.torch
import torch

import captions
import concepts
import diffusion
import held_out
import render
import state
import train_autoencoder
import train_unet
from clip_text import LENGTH, VOCABULARY

IMAGE_SIZE = 16  # side of the latent of a picture of the native size, 128 x 128
LOG_VARIANCE = -30.0  # the autoencoder learns none: a posterior sample is its mean

YAML = """\
# The built-in model: Stable Diffusion v1's architecture at a small size. Keys are CompVis's;
# num_groups (of the group norms, 32 where it is absent) is an addition.
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    linear_start: 0.00085
    linear_end: 0.0120
    timesteps: 1000
    first_stage_key: "jpg"
    cond_stage_key: "txt"
    image_size: {image_size}  # latent side of the native size: {pixels}x{pixels} pixels
    channels: 4
    conditioning_key: crossattn
    scale_factor: {scale_factor}
    use_ema: False

    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: {image_size}
        in_channels: 4
        out_channels: 4
        model_channels: {unet[model_channels]}
        attention_resolutions: {unet[attention_resolutions]}
        num_res_blocks: {unet[num_res_blocks]}
        channel_mult: {unet[channel_mult]}
        num_heads: {unet[num_heads]}
        num_groups: {unet[num_groups]}
        use_spatial_transformer: True
        transformer_depth: 1
        context_dim: {unet[context_dim]}
        use_checkpoint: False
        legacy: False

    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: 4
        ddconfig:
          double_z: true
          z_channels: 4
          resolution: {pixels}
          in_channels: 3
          out_ch: 3
          ch: {ae[ch]}
          ch_mult: {ae[ch_mult]}
          num_res_blocks: {ae[num_res_blocks]}
          num_groups: {ae[num_groups]}
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity

    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder
      params:
        version: text  # directory beside this file: config.json of the text tower
"""


def schedule_buffers():
  """The buffers that a v1 checkpoint carries, float32 [1000] each, computed in float64."""
  betas = np.linspace(diffusion.LINEAR_START**0.5, diffusion.LINEAR_END**0.5,
                      diffusion.TIMESTEPS, dtype=np.float64) ** 2
  alphas = 1.0 - betas
  product = np.cumprod(alphas)
  previous = np.append(1.0, product[:-1])
  variance = betas * (1.0 - previous) / (1.0 - product)
  buffers = {
      "betas": betas,
      "alphas_cumprod": product,
      "alphas_cumprod_prev": previous,
      "sqrt_alphas_cumprod": np.sqrt(product),
      "sqrt_one_minus_alphas_cumprod": np.sqrt(1.0 - product),
      "log_one_minus_alphas_cumprod": np.log(1.0 - product),
      "sqrt_recip_alphas_cumprod": np.sqrt(1.0 / product),
      "sqrt_recipm1_alphas_cumprod": np.sqrt(1.0 / product - 1.0),
      "posterior_variance": variance,
      "posterior_log_variance_clipped": np.log(np.maximum(variance, 1e-20)),
      "posterior_mean_coef1": betas * np.sqrt(previous) / (1.0 - product),
      "posterior_mean_coef2": (1.0 - previous) * np.sqrt(alphas) / (1.0 - product),
  }
  return {k: torch.from_numpy(v.astype(np.float32)) for k, v in buffers.items()}


def fold_statistics(ae, mean, std):
  """Puts the latents' mean and deviation [4] into the two 1x1 convolutions around the latent.

  Afterwards SCALE_FACTOR * encode(x) has unit variance, as v1's samplers expect, and the second
  half of the moments is a constant: no variance.
  """
  s = diffusion.SCALE_FACTOR
  with torch.no_grad():
    quant, post = ae.quant_conv, ae.post_quant_conv
    quant.weight[4:] = 0.0
    quant.bias[4:] = LOG_VARIANCE
    quant.weight[:4] /= s * std[:, None, None, None]
    quant.bias[:4] = (quant.bias[:4] - mean) / (s * std)
    post.bias += (post.weight[:, :, 0, 0] * mean).sum(1)
    post.weight *= s * std[None, :, None, None]


def collect(run, average):
  """The run's tensors under their v1 names, and the step they come from."""
  saved = state.load(state.STATE_DIR / f"{run}.pt")
  model = train_unet.build()
  model.load_state_dict(saved["model"])
  train_unet._Averages(model, saved["averages"]).put(model, average)
  ae = train_autoencoder.build()
  trained = state.load(state.STATE_DIR / "decoder.pt") or state.load(state.STATE_DIR / "ae.pt")
  ae.load_state_dict(trained["model"])
  numbers = state.load(state.STATE_DIR / "latents.pt")
  fold_statistics(ae, numbers["mean"], numbers["std"])
  tensors = {f"first_stage_model.{k}": v for k, v in ae.state_dict().items()}
  tensors |= {f"model.diffusion_model.{k}": v for k, v in model.unet.state_dict().items()}
  prefix = "cond_stage_model.transformer.text_model."
  for k, v in model.text.state_dict().items():
    if not k.startswith("embeddings.token_embedding."):
      tensors[prefix + k] = v
  tensors[prefix + "embeddings.token_embedding.weight"] = (
      model.text.embeddings.token_embedding.full_weight())
  tensors = {k: v.half().contiguous() for k, v in tensors.items()}
  tensors[prefix + "embeddings.position_ids"] = torch.arange(LENGTH)[None]
  return tensors | schedule_buffers(), saved["step"]


def text_config():
  c = train_unet.TEXT_CONFIG
  return {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model",
          "vocab_size": VOCABULARY, "hidden_size": c["width"], "intermediate_size": 4 * c["width"],
          "num_hidden_layers": c["layers"], "num_attention_heads": c["heads"],
          "max_position_embeddings": LENGTH, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05,
          "attention_dropout": 0.0, "bos_token_id": 49406, "eos_token_id": 49407,
          "pad_token_id": 49407}


def concept_list(tier):
  """Everything an evaluation needs to render the truth."""
  emoji = [{"name": c.name, "aliases": list(c.aliases), "glyph": c.glyph,
            "codepoints": [f"U+{ord(ch):04X}" for ch in c.glyph],
            "held_out_backgrounds": [k for k in concepts.COLOURS if captions.held_out(c.name, k)]}
           for c in concepts.CONCEPTS if c.tier <= tier]
  return {"size": render.SIZE, "glyph_side": render.GLYPH_SIDE,
          "font": "Noto Color Emoji (Debian fonts-noto-color-emoji 2.042-0+deb12u1)",
          "colours": {k: list(v) for k, v in concepts.COLOURS.items()},
          "colour_synonyms": {k: list(v) for k, v in concepts.COLOUR_SYNONYMS.items()},
          "shapes": list(concepts.SHAPES), "emoji": emoji,
          "held_out_prompts": held_out.prompts()}


def export(run="finish", average=0, tier=1):
  """Writes models/demo; returns the size of the checkpoint in bytes."""
  tensors, step = collect(run, average)
  state.MODEL_DIR.mkdir(parents=True, exist_ok=True)
  path = state.MODEL_DIR / "model.safetensors"
  safetensors.torch.save_file(tensors, path, metadata={
      "format": "pt", "model": "sd-v1 demo, trained from scratch on Noto Color Emoji",
      "step": str(step)})
  path.chmod(0o644)
  (state.MODEL_DIR / "model.yaml").write_text(YAML.format(
      image_size=IMAGE_SIZE, pixels=8 * IMAGE_SIZE, scale_factor=diffusion.SCALE_FACTOR,
      unet=train_unet.UNET_CONFIG, ae=train_autoencoder.CONFIG))
  (state.MODEL_DIR / "text").mkdir(exist_ok=True)
  (state.MODEL_DIR / "text" / "config.json").write_text(json.dumps(text_config(), indent=1) + "\n")
  (state.MODEL_DIR / "concepts.json").write_text(
      json.dumps(concept_list(tier), indent=1, ensure_ascii=False) + "\n")
  return path.stat().st_size
