"""Stage 1: trains the autoencoder on rendered pictures; later, its decoder alone."""

import functools
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

import concepts
import render
import state
from autoencoder import Autoencoder

CONFIG = {"ch": 16, "ch_mult": [1, 2, 4, 6], "num_res_blocks": 1, "num_groups": 8}
SEED = 20221101
STEPS = 1120
DECODER_STEPS = 500
BATCH = 8
LEARNING_RATE, DECODER_RATE = 8e-4, 5e-4
WARM_UP = 40
LATENT_NOISE = 0.1  # stands in for a learned variance: deviation of the noise on the latent
DECODER_NOISE = 0.15  # in the decoder's own stage, of the latent's deviation: a UNet's errors


@functools.lru_cache(maxsize=1)
def _all_glyphs():
  """Every single-character emoji of the font, so that the autoencoder is not narrow."""
  return [chr(c) for c in [*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F700),
                           *range(0x1F900, 0x1FA00), *range(0x1FA70, 0x1FAFF)]
          if not 0x1F3FB <= c <= 0x1F3FF and render.glyph_bitmap(chr(c))]


def _colour(rng):
  if rng.random() < 0.3:
    return (255, 255, 255)
  if rng.random() < 0.75:
    return list(concepts.COLOURS.values())[rng.integers(len(concepts.COLOURS))]
  return tuple(rng.integers(0, 256, 3))


def random_picture(rng):
  """A picture for the autoencoder: mostly one large emoji, also shapes and crowds; bytes."""
  kind = rng.random()
  picture = render.background(_colour(rng))
  if rng.random() < 0.05:  # a smooth slope of colour
    slope = np.linspace(0, 1, render.SIZE, dtype=np.float32)[:, None, None]
    slope = slope if rng.random() < 0.5 else slope.transpose(1, 0, 2)
    picture = picture * slope + np.asarray(_colour(rng), np.float32) * (1 - slope)
  if kind < 0.22:
    for _ in range(rng.integers(1, 4)):
      render.paste_shape(picture, concepts.SHAPES[rng.integers(len(concepts.SHAPES))], _colour(rng),
                         rng.uniform(24, 104, 2), rng.uniform(14, 56))
    return render.finish(picture)
  count = 1 if kind < 0.88 else rng.integers(2, 5)
  for _ in range(count):
    if rng.random() < 0.75:
      glyph = concepts.CONCEPTS[rng.integers(len(concepts.CONCEPTS))].glyph
    else:
      glyph = _all_glyphs()[rng.integers(len(_all_glyphs()))]
    if count == 1 and rng.random() < 0.6:
      centre, side = (render.SIZE / 2, render.SIZE / 2), render.GLYPH_SIDE
    else:
      centre, side = rng.uniform(30, 98, 2), int(rng.integers(6, 15)) * 8
    render.paste_glyph(picture, glyph, centre, side)
  return render.finish(picture)


def batch(stage, step):
  """float32 [BATCH, 3, SIZE, SIZE] in [-1, 1]; depends on the seed and the step only."""
  rng = np.random.default_rng([SEED, stage, step])
  pictures = np.stack([random_picture(rng) for _ in range(BATCH)])
  x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0
  return x.contiguous(memory_format=torch.channels_last)


def picture_loss(y, x):
  """L1, plus L1 of finite differences (edges) and of 4x4 means (colour of areas)."""
  d = y - x
  edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
  l1 = d.abs().mean()
  return l1 + 0.5 * edges + F.avg_pool2d(d, 4).abs().mean(), l1


def learning_rate(step, steps, peak=LEARNING_RATE):
  """Warm-up, constant for 60 %, then a cosine to nearly nothing."""
  if step < WARM_UP:
    return peak * (step + 1) / WARM_UP
  done = max(0.0, (step / steps - 0.6) / 0.4)
  return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def build():
  torch.manual_seed(SEED)
  return Autoencoder(**CONFIG).to(memory_format=torch.channels_last)


def objective(model, x, noise, decoder_only):
  """Pictures and unit noise on the latent -> (loss, L1 of pictures, deviation of latent)."""
  with torch.set_grad_enabled(not decoder_only):
    z = model.encode(x).float()
  scale = DECODER_NOISE * z.detach().std() if decoder_only else LATENT_NOISE
  loss, l1 = picture_loss(model.decode(z + scale * noise).float(), x)
  return loss + 1e-3 * z.square().mean(), l1, z.detach().std()


def train(stop, decoder_only=False, compiled=False):
  """Runs (or goes on with) the stage; returns False when it was stopped before its end."""
  name, steps, stage = ("decoder", DECODER_STEPS, 2) if decoder_only else ("ae", STEPS, 1)
  path = state.STATE_DIR / f"{name}.pt"
  held = state.lock(name)  # noqa: F841
  model = build()
  saved = state.load(path)
  if decoder_only and saved is None:
    model.load_state_dict(state.load(state.STATE_DIR / "ae.pt")["model"])
  trained = [p for n, p in model.named_parameters()
             if not decoder_only or n.startswith(("decoder", "post_quant"))]
  optimizer = torch.optim.AdamW(trained, LEARNING_RATE, betas=(0.9, 0.98), weight_decay=1e-3,
                                fused=True)
  step, seconds = 0, 0.0
  if saved:
    model.load_state_dict(saved["model"])
    if saved["step"] >= steps:
      return True
    optimizer.load_state_dict(saved["optimizer"])
    step, seconds = saved["step"], saved["seconds"]
  log, recent = state.Log(name), []
  run = torch.compile(objective, dynamic=False) if compiled else objective
  started, last_save = time.time(), time.time()

  def save():
    state.save_atomic({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                       "step": step, "seconds": seconds + time.time() - started}, path)

  while step < steps:
    x = batch(stage, step)
    for group in optimizer.param_groups:
      group["lr"] = learning_rate(step, steps, DECODER_RATE if decoder_only else LEARNING_RATE)
    generator = torch.Generator().manual_seed(SEED + step)
    noise = torch.randn(BATCH, 4, render.SIZE // 8, render.SIZE // 8, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
      loss, l1, z_std = run(model, x, noise, decoder_only)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    step += 1
    recent.append(l1.item())
    if step % 25 == 0:
      log(step=step, l1=float(np.mean(recent)), z_std=z_std.item(),
          seconds=seconds + time.time() - started)
      recent = []
    if time.time() - last_save > state.SAVE_EVERY_S or stop.raised or step == steps:
      save()
      last_save = time.time()
    if stop.raised and step < steps:
      return False
  return True
