"""The noise predictor: a UNet with cross-attention, named as in a Stable Diffusion v1 checkpoint.

Parameter names are the checkpoint's less `model.diffusion_model.`. The layers and their order are
the published architecture's (Rombach et al. 2022; residual blocks: Dhariwal and Nichol 2021);
widths, heads, levels and the number of groups in the norms are ours.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def timestep_embedding(t, dim):
  """[N] -> [N, dim]: cosines, then sines, of t at frequencies from 1 down to 1/10000."""
  half = dim // 2
  freqs = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float32) / half)
  angles = t.float()[:, None] * freqs[None]
  return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResBlock(nn.Module):
  """[N, cin, h, w] and time embedding [N, emb] -> [N, cout, h, w]."""

  def __init__(self, cin, cout, emb, groups):
    super().__init__()
    self.in_layers = nn.Sequential(nn.GroupNorm(groups, cin, eps=1e-5), nn.SiLU(),
                                   nn.Conv2d(cin, cout, 3, padding=1))
    self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(emb, cout))
    self.out_layers = nn.Sequential(nn.GroupNorm(groups, cout, eps=1e-5), nn.SiLU(), nn.Identity(),
                                    nn.Conv2d(cout, cout, 3, padding=1))
    self.skip_connection = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1)
    nn.init.zeros_(self.out_layers[3].weight)
    nn.init.zeros_(self.out_layers[3].bias)

  def forward(self, x, emb, context):
    h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
    return self.skip_connection(x) + self.out_layers(h)


def attend(q, k, v, mask=None):
  """softmax(q k' / sqrt(d) + mask) v over [N, heads, L, d].

  Written out, because the fused attention's backward pass took a third of each step on CPU.
  """
  scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
  return (scores if mask is None else scores + mask).softmax(dim=-1) @ v


class Attention(nn.Module):
  """Queries from x [N, L, dim], keys and values from context [N, M, context_dim]; no biases."""

  def __init__(self, dim, context_dim, heads):
    super().__init__()
    self.heads = heads
    self.to_q = nn.Linear(dim, dim, bias=False)
    self.to_k = nn.Linear(context_dim, dim, bias=False)
    self.to_v = nn.Linear(context_dim, dim, bias=False)
    self.to_out = nn.Sequential(nn.Linear(dim, dim), nn.Identity())

  def forward(self, x, context):
    n, l, dim = x.shape

    def split(y):
      return y.reshape(n, y.shape[1], self.heads, dim // self.heads).transpose(1, 2)

    q, k, v = split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context))
    y = attend(q, k, v)
    return self.to_out(y.transpose(1, 2).reshape(n, l, dim))


class GatedProjection(nn.Module):
  """GEGLU (Shazeer 2020): value * gelu(gate)."""

  def __init__(self, dim, inner):
    super().__init__()
    self.proj = nn.Linear(dim, 2 * inner)

  def forward(self, x):
    value, gate = self.proj(x).chunk(2, dim=-1)
    return value * F.gelu(gate)


class FeedForward(nn.Module):
  """[N, L, dim] -> [N, L, dim] through 4 * dim gated units."""

  def __init__(self, dim):
    super().__init__()
    self.net = nn.Sequential(GatedProjection(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

  def forward(self, x):
    return self.net(x)


class TransformerBlock(nn.Module):
  """Self-attention, attention to the prompt, feed-forward; each on a LayerNorm and added."""

  def __init__(self, dim, context_dim, heads):
    super().__init__()
    self.attn1 = Attention(dim, dim, heads)
    self.ff = FeedForward(dim)
    self.attn2 = Attention(dim, context_dim, heads)
    self.norm1 = nn.LayerNorm(dim)
    self.norm2 = nn.LayerNorm(dim)
    self.norm3 = nn.LayerNorm(dim)

  def forward(self, x, context):
    y = self.norm1(x)
    x = x + self.attn1(y, y)
    x = x + self.attn2(self.norm2(x), context)
    return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
  """A transformer block over the pixels of [N, c, h, w], added to its input."""

  def __init__(self, channels, context_dim, heads, groups):
    super().__init__()
    self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
    self.proj_in = nn.Conv2d(channels, channels, 1)
    self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context_dim, heads)])
    self.proj_out = nn.Conv2d(channels, channels, 1)
    nn.init.zeros_(self.proj_out.weight)
    nn.init.zeros_(self.proj_out.bias)

  def forward(self, x, emb, context):
    n, c, h, w = x.shape
    y = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(n, h * w, c)
    for block in self.transformer_blocks:
      y = block(y, context)
    return x + self.proj_out(y.reshape(n, h, w, c).permute(0, 3, 1, 2))


class Downsample(nn.Module):
  """3x3 convolution with stride 2 and padding 1."""

  def __init__(self, channels):
    super().__init__()
    self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

  def forward(self, x, emb, context):
    return self.op(x)


class Upsample(nn.Module):
  """Nearest neighbour x2, then a 3x3 convolution."""

  def __init__(self, channels):
    super().__init__()
    self.conv = nn.Conv2d(channels, channels, 3, padding=1)

  def forward(self, x, emb, context):
    return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Stem(nn.Conv2d):
  """The first convolution, called like a block."""

  def forward(self, x, emb, context):
    return super().forward(x)


class UNet(nn.Module):
  """Noisy latents [N, 4, h, w], timesteps [N], context [N, 77, d] -> noise [N, 4, h, w]."""

  def __init__(self, model_channels, channel_mult, num_res_blocks, attention_resolutions, num_heads,
               context_dim, num_groups, in_channels=4, out_channels=4):
    super().__init__()
    self.model_channels = model_channels
    emb = 4 * model_channels
    self.time_embed = nn.Sequential(nn.Linear(model_channels, emb), nn.SiLU(), nn.Linear(emb, emb))

    def blocks(cin, cout, scale, tail=None):
      """One residual block, attention where this scale (16 pixels / side) has it, and a tail."""
      parts = [ResBlock(cin, cout, emb, num_groups)]
      if scale in attention_resolutions:
        parts.append(SpatialTransformer(cout, context_dim, num_heads, num_groups))
      if tail:
        parts.append(tail(cout))
      return nn.ModuleList(parts)

    width, scale = model_channels, 1
    self.input_blocks = nn.ModuleList([nn.ModuleList([Stem(in_channels, width, 3, padding=1)])])
    skips = [width]
    for level, mult in enumerate(channel_mult):
      for _ in range(num_res_blocks):
        self.input_blocks.append(blocks(width, mult * model_channels, scale))
        width = mult * model_channels
        skips.append(width)
      if level + 1 < len(channel_mult):
        self.input_blocks.append(nn.ModuleList([Downsample(width)]))
        skips.append(width)
        scale *= 2
    self.middle_block = nn.ModuleList([
        ResBlock(width, width, emb, num_groups),
        SpatialTransformer(width, context_dim, num_heads, num_groups),
        ResBlock(width, width, emb, num_groups)])
    self.output_blocks = nn.ModuleList()
    for level in reversed(range(len(channel_mult))):
      for i in range(num_res_blocks + 1):
        tail = Upsample if level > 0 and i == num_res_blocks else None
        cout = channel_mult[level] * model_channels
        self.output_blocks.append(blocks(width + skips.pop(), cout, scale, tail))
        width = cout
      scale //= 2
    self.out = nn.Sequential(nn.GroupNorm(num_groups, width, eps=1e-5), nn.SiLU(),
                             nn.Conv2d(width, out_channels, 3, padding=1))
    self._start_as_identity(in_channels)

  def _start_as_identity(self, channels):
    """Makes the untrained network answer x itself, the best first guess of the noise.

    The first 2 * channels features are x as +x, -x pairs; the last block's 1x1 skip takes them from
    the first convolution's skip, and silu(x) - silu(-x) = x undoes the activation before `out`.
    """
    skip = self.output_blocks[-1][0].skip_connection
    offset = skip.weight.shape[1] - self.model_channels
    with torch.no_grad():
      stem, last = self.input_blocks[0][0], self.out[2]
      last.weight.zero_()
      last.bias.zero_()
      for c in range(channels):
        for sign, feature in ((1.0, 2 * c), (-1.0, 2 * c + 1)):
          stem.weight[feature].zero_()
          stem.weight[feature, c, 1, 1] = sign
          stem.bias[feature] = 0.0
          skip.weight[feature].zero_()
          skip.weight[feature, offset + feature] = 1.0
          skip.bias[feature] = 0.0
          last.weight[c, feature, 1, 1] = sign

  def forward(self, x, t, context):
    emb = self.time_embed(timestep_embedding(t, self.model_channels))
    skips, h = [], x
    for stage in self.input_blocks:
      for part in stage:
        h = part(h, emb, context)
      skips.append(h)
    for part in self.middle_block:
      h = part(h, emb, context)
    for stage in self.output_blocks:
      h = torch.cat([h, skips.pop()], dim=1)
      for part in stage:
        h = part(h, emb, context)
    with torch.autocast(x.device.type, enabled=False):  # the last step in full precision
      return self.out(h.float())
