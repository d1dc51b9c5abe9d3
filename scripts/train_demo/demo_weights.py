"""The built-in model as networks again, read from models/demo/model.safetensors alone."""

import safetensors.torch
import torch

import dataset
import diffusion
import state
import train_autoencoder
import train_unet
from clip_text import tokenize

TEXT_PREFIX = "cond_stage_model.transformer.text_model."


def _under(tensors, prefix):
  """The tensors below a prefix, in float32, without it."""
  return {k[len(prefix):]: v.float() for k, v in tensors.items() if k.startswith(prefix)}


class DemoModel:
  """UNet, text tower and autoencoder of the checkpoint, frozen; latents have unit variance."""

  def __init__(self, path=state.MODEL_DIR / "model.safetensors"):
    tensors = safetensors.torch.load_file(path)
    networks = train_unet.build().eval().requires_grad_(False)
    self.unet, self.text = networks.unet, networks.text
    self.unet.load_state_dict(_under(tensors, "model.diffusion_model."))
    self._load_text(_under(tensors, TEXT_PREFIX))
    self._autoencoder = train_autoencoder.build().eval().requires_grad_(False)
    self._autoencoder.load_state_dict(_under(tensors, "first_stage_model."))

    with torch.no_grad():
      self.empty = self.text(torch.tensor([tokenize("")]))  # [1, 77, width], for guidance

  def _load_text(self, tensors):
    embedding = self.text.embeddings.token_embedding
    table = tensors.pop("embeddings.token_embedding.weight")
    tensors.pop("embeddings.position_ids", None)
    embedding.weight.copy_(table[embedding.used])
    missing, unexpected = self.text.load_state_dict(tensors, strict=False)
    if unexpected or [k for k in missing if "token_embedding" not in k]:
      raise SystemExit(f"the checkpoint's text tower does not fit: missing {missing}, unexpected "
                       f"{unexpected}; train_unet.py and the checkpoint must be of one version")

  def encode(self, pictures):
    """Pictures [N, 3, H, W] in [-1, 1] -> latents [N, 4, H/8, W/8]."""
    return diffusion.SCALE_FACTOR * self._autoencoder.encode(pictures)

  @torch.no_grad()
  def decode(self, latents):
    """Latents [N, 4, h, w] -> bytes [N, 8h, 8w, 3]."""
    pictures = self._autoencoder.decode(latents / diffusion.SCALE_FACTOR)
    return ((pictures.clamp(-1, 1) + 1) * 127.5).to(torch.uint8).permute(0, 2, 3, 1).numpy()

  def training_set(self, path, stop):
    """The training pictures as this model's latents, encoded once and kept in `path`.

    -> a dataset.Dataset; None when stopped.
    """
    specs, held = dataset.training_specs(), dataset.held_out_specs()
    latents = state.load(path)
    if latents is None or latents.shape[0] != len(specs) + len(held):
      latents = dataset.encode(specs + held, self.encode, stop)
      if latents is None:
        return None
      state.save_atomic(latents.half(), path)
    return dataset.Dataset(specs, held, latents.half())
