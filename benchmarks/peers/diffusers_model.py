"""Stable Diffusion v1's UNet and decoder as diffusers' modules, with the weights of a checkpoint in
the reference's layout."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open

import key_map

UNET = "model.diffusion_model."
FIRST_STAGE = "first_stage_model."


def tensors_below(path, prefix):
    with safe_open(path, framework="pt") as file:
        for name in file.keys():
            if name.startswith(prefix):
                yield name[len(prefix) :], file.get_tensor(name)


def load_unet(path):
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, sample_size=64)
    state = {key_map.unet_name(name): tensor for name, tensor in tensors_below(path, UNET)}
    unet.load_state_dict(state, strict=True, assign=True)
    return unet.eval()


def load_decoder(path):
    """The whole autoencoder, its encoder on no device."""
    with torch.device("meta"):
        autoencoder = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
    autoencoder.encoder = None
    autoencoder.quant_conv = None
    pairs = (key_map.decoder_tensor(*item) for item in tensors_below(path, FIRST_STAGE))
    autoencoder.load_state_dict(dict(filter(None, pairs)), strict=True, assign=True)
    return autoencoder.eval()


class UNetStep(torch.nn.Module):
    """One guided evaluation, tensors in and out."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, x, t, context):
        return self.unet(x, t, encoder_hidden_states=context, return_dict=False)[0]


class Decode(torch.nn.Module):
    def __init__(self, autoencoder):
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, z):
        return self.autoencoder.decode(z, return_dict=False)[0]
