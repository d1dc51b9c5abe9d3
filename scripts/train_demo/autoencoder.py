"""The f=8, z=4 autoencoder, with the tensor names of a Stable Diffusion v1 checkpoint.

Every parameter's name is its checkpoint name less the prefix `first_stage_model.`, so a state dict
is written out as it is. Layers and their order follow the published architecture (Rombach et al.,
"High-Resolution Image Synthesis with Latent Diffusion Models", 2022); only the widths, the number
of blocks a level and the number of groups in the norms are smaller.
"""

import torch
import torch.nn.functional as F
from torch import nn

NORM_EPS = 1e-6


def _norm(channels, groups):
  return nn.GroupNorm(groups, channels, eps=NORM_EPS)


class ResBlock(nn.Module):
  """x + conv(silu(norm(conv(silu(norm(x)))))): [N, cin, h, w] -> [N, cout, h, w]."""

  def __init__(self, cin, cout, groups):
    super().__init__()
    self.norm1 = _norm(cin, groups)
    self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)
    self.norm2 = _norm(cout, groups)
    self.conv2 = nn.Conv2d(cout, cout, 3, padding=1)
    if cin != cout:
      self.nin_shortcut = nn.Conv2d(cin, cout, 1)

  def forward(self, x):
    h = self.conv1(F.silu(self.norm1(x)))
    h = self.conv2(F.silu(self.norm2(h)))
    return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class AttnBlock(nn.Module):
  """One-head self-attention over all pixels: [N, c, h, w] -> [N, c, h, w]."""

  def __init__(self, channels, groups):
    super().__init__()
    self.norm = _norm(channels, groups)
    self.q = nn.Conv2d(channels, channels, 1)
    self.k = nn.Conv2d(channels, channels, 1)
    self.v = nn.Conv2d(channels, channels, 1)
    self.proj_out = nn.Conv2d(channels, channels, 1)

  def forward(self, x):
    n, c, h, w = x.shape
    y = self.norm(x)
    q, k, v = (f(y).reshape(n, c, h * w).transpose(1, 2) for f in (self.q, self.k, self.v))
    a = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]  # [N, h*w, c]
    return x + self.proj_out(a.transpose(1, 2).reshape(n, c, h, w))


class Downsample(nn.Module):
  """Halves the side; one pixel of zeros to the right and below, as in v1."""

  def __init__(self, channels):
    super().__init__()
    self.conv = nn.Conv2d(channels, channels, 3, stride=2)

  def forward(self, x):
    return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
  """Nearest neighbour x2, then a convolution."""

  def __init__(self, channels):
    super().__init__()
    self.conv = nn.Conv2d(channels, channels, 3, padding=1)

  def forward(self, x):
    return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def _mid(channels, groups):
  mid = nn.Module()
  mid.block_1 = ResBlock(channels, channels, groups)
  mid.attn_1 = AttnBlock(channels, groups)
  mid.block_2 = ResBlock(channels, channels, groups)
  return mid


class Encoder(nn.Module):
  """Pictures [N, 3, H, W] in [-1, 1] -> moments [N, 2*z, H/8, W/8] (before `quant_conv`)."""

  def __init__(self, ch, ch_mult, num_res_blocks, z_channels, groups):
    super().__init__()
    self.conv_in = nn.Conv2d(3, ch, 3, padding=1)
    self.down = nn.ModuleList()
    width = ch
    for level, mult in enumerate(ch_mult):
      stage = nn.Module()
      stage.block = nn.ModuleList()
      for _ in range(num_res_blocks):
        stage.block.append(ResBlock(width, ch * mult, groups))
        width = ch * mult
      if level + 1 < len(ch_mult):
        stage.downsample = Downsample(width)
      self.down.append(stage)
    self.mid = _mid(width, groups)
    self.norm_out = _norm(width, groups)
    self.conv_out = nn.Conv2d(width, 2 * z_channels, 3, padding=1)

  def forward(self, x):
    h = self.conv_in(x)
    for stage in self.down:
      for block in stage.block:
        h = block(h)
      if hasattr(stage, "downsample"):
        h = stage.downsample(h)
    h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
    return self.conv_out(F.silu(self.norm_out(h)))


class Decoder(nn.Module):
  """Latents [N, z, h, w] (after `post_quant_conv`) -> pictures [N, 3, 8h, 8w] around [-1, 1]."""

  def __init__(self, ch, ch_mult, num_res_blocks, z_channels, groups):
    super().__init__()
    width = ch * ch_mult[-1]
    self.conv_in = nn.Conv2d(z_channels, width, 3, padding=1)
    self.mid = _mid(width, groups)
    stages = []
    for level in reversed(range(len(ch_mult))):
      stage = nn.Module()
      stage.block = nn.ModuleList()
      for _ in range(num_res_blocks + 1):
        stage.block.append(ResBlock(width, ch * ch_mult[level], groups))
        width = ch * ch_mult[level]
      if level > 0:
        stage.upsample = Upsample(width)
      stages.insert(0, stage)
    self.up = nn.ModuleList(stages)
    self.norm_out = _norm(width, groups)
    self.conv_out = nn.Conv2d(width, 3, 3, padding=1)

  def forward(self, z):
    h = self.conv_in(z)
    h = self.mid.block_2(self.mid.attn_1(self.mid.block_1(h)))
    for stage in reversed(self.up):
      for block in stage.block:
        h = block(h)
      if hasattr(stage, "upsample"):
        h = stage.upsample(h)
    return self.conv_out(F.silu(self.norm_out(h)))


class Autoencoder(nn.Module):
  """Encoder, decoder and the two 1x1 convolutions around the latent."""

  def __init__(self, ch, ch_mult, num_res_blocks, num_groups, z_channels=4):
    super().__init__()
    self.z_channels = z_channels
    self.encoder = Encoder(ch, ch_mult, num_res_blocks, z_channels, num_groups)
    self.decoder = Decoder(ch, ch_mult, num_res_blocks, z_channels, num_groups)
    self.quant_conv = nn.Conv2d(2 * z_channels, 2 * z_channels, 1)
    self.post_quant_conv = nn.Conv2d(z_channels, z_channels, 1)
    start_as_identity(self)

  def encode(self, x):
    """Pictures [N, 3, H, W] -> mean latents [N, z, H/8, W/8]; the variance is not learned."""
    return self.quant_conv(self.encoder(x))[:, : self.z_channels]

  def decode(self, z):
    return self.decoder(self.post_quant_conv(z))


def _identity_1x1(conv, channels):
  with torch.no_grad():
    for c in range(min(channels, conv.weight.shape[0], conv.weight.shape[1])):
      conv.weight[c].zero_()
      conv.weight[c, c] = 1.0
      conv.bias[c] = 0.0


def start_as_identity(model):
  """Makes the untrained model carry RGB through, blurred: it then learns detail, not colour.

  The first six channels hold each colour twice, as +x and -x, because silu(x) - silu(-x) = x; the
  way down averages 2x2 pixels, the way up repeats and smooths them. All residual branches start
  at zero.
  """
  carried = 6
  smooth = torch.tensor([0.25, 0.5, 0.25])
  for module in model.modules():
    if isinstance(module, ResBlock):
      nn.init.zeros_(module.conv2.weight)
      nn.init.zeros_(module.conv2.bias)
      if hasattr(module, "nin_shortcut"):
        _identity_1x1(module.nin_shortcut, carried)
    elif isinstance(module, AttnBlock):
      nn.init.zeros_(module.proj_out.weight)
      nn.init.zeros_(module.proj_out.bias)
    elif isinstance(module, (Downsample, Upsample)):
      with torch.no_grad():
        for c in range(carried):
          module.conv.weight[c].zero_()
          module.conv.bias[c] = 0.0
          if isinstance(module, Downsample):
            module.conv.weight[c, c, :2, :2] = 0.25
          else:
            module.conv.weight[c, c] = smooth[:, None] * smooth[None, :]
  with torch.no_grad():
    for c in range(3):
      for sign, channel in ((1.0, 2 * c), (-1.0, 2 * c + 1)):
        for conv, source in ((model.encoder.conv_in, c), (model.decoder.conv_in, c)):
          conv.weight[channel].zero_()
          conv.weight[channel, source, 1, 1] = sign
          conv.bias[channel] = 0.0
        for conv in (model.encoder.conv_out, model.decoder.conv_out):
          if channel == 2 * c:
            conv.weight[c].zero_()
            conv.bias[c] = 0.0
          conv.weight[c, channel, 1, 1] = sign
    _identity_1x1(model.quant_conv, model.quant_conv.weight.shape[0])
    _identity_1x1(model.post_quant_conv, model.z_channels)
