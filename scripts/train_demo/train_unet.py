"""Stages 3 and 4: the text tower's short pre-training, then the UNet and the tower together.

The main run keeps a constant learning rate and can go on for as long as there is time. A
finishing run starts from a copy of its state and lets the rate fall to nearly nothing; what it ends
with is what gets exported. The main run is not changed by it.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import captions
import diffusion
import state
from clip_text import TextTower, word_ids
from unet import UNet

SEED = 20221103
TEXT_CONFIG = {"width": 64, "layers": 3, "heads": 4}
UNET_CONFIG = {"model_channels": 48, "channel_mult": [1, 2, 4], "num_res_blocks": 1,
               "attention_resolutions": [4, 2], "num_heads": 6, "context_dim": 64,
               "num_groups": 6}
BATCH = 16
LEARNING_RATE, LAST_RATE = 1e-3, 2e-5
WARM_UP = 100
TEXT_STEPS, TEXT_BATCH = 400, 48
# Steps of the main run from which more concepts are drawn; before the first, concepts.FIRST.
TIER_FROM = {1: 2000, 2: 3100, 3: 5500, 4: 9000}
EMA = (0.999, 0.9997)  # kept side by side; the finishing run exports the first
REPORT_EVERY, VALIDATE_EVERY = 100, 1000


def tier_at(step):
  return max([0, *(tier for tier, begin in TIER_FROM.items() if step >= begin)])


class Model(nn.Module):
  """The text tower and the UNet, trained as one."""

  def __init__(self):
    super().__init__()
    used = {i for text in captions.vocabulary() for i in word_ids(text)}
    self.text = TextTower(used, **TEXT_CONFIG)
    self.unet = UNet(**UNET_CONFIG)


def build():
  torch.manual_seed(SEED)
  return Model().to(memory_format=torch.channels_last)


def _optimizer(parameters):
  return torch.optim.AdamW(parameters, LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01,
                           fused=True)


class _Probe(nn.Module):
  """Reads the whole clean latent off one padding position; thrown away after stage 3."""

  def __init__(self, width):
    super().__init__()
    self.net = nn.Sequential(nn.Linear(width, 512), nn.SiLU(), nn.Linear(512, 4 * 16 * 16))

  def forward(self, states):
    return self.net(states)


def train_text(stop, data, compiled=False):
  """Stage 3: teaches the tower to sum up a prompt at its padding positions."""
  path = state.STATE_DIR / "text.pt"
  if path.exists():
    return True
  model = build()
  probe = _Probe(TEXT_CONFIG["width"])
  parameters = [*model.text.parameters(), *probe.parameters()]
  optimizer, log, recent = _optimizer(parameters), state.Log("text"), []

  def objective(text, probe, ids, position, target):
    states = text(ids)  # [N, 77, width]
    picked = states.gather(1, position[..., None].expand(-1, -1, states.shape[-1]))  # [N, 2, width]
    return F.mse_loss(probe(picked).float(), target[:, None].expand(-1, 2, -1))

  run = torch.compile(objective, dynamic=False) if compiled else objective
  for step in range(TEXT_STEPS):
    latents, ids = data.batch(3, step, TEXT_BATCH, tier=2)
    generator = torch.Generator().manual_seed(SEED + step)
    position = torch.randint(26, 77, (TEXT_BATCH, 2), generator=generator)
    for group in optimizer.param_groups:
      group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 50, 2.0 * (1 - step / TEXT_STEPS) + 0.05)
    with torch.autocast("cpu", torch.bfloat16):
      loss = run(model.text, probe, ids, position, latents.flatten(1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    recent.append(loss.item())
    if (step + 1) % REPORT_EVERY == 0:
      log(step=step + 1, loss=float(np.mean(recent)))
      recent = []
    if stop.raised:
      return False  # short enough to start again
  state.save_atomic(model.text.state_dict(), path)
  return True


def objective(model, latents, ids, t, noise, alphas, weights):
  """Weighted squared error of epsilon -> (loss, error of the clean latent per sample [N])."""
  a = alphas[t][:, None, None, None]
  x = a.sqrt() * latents + (1 - a).sqrt() * noise
  error = (model.unet(x, t, model.text(ids)).float() - noise).square().mean((1, 2, 3))
  return (weights[t] * error).mean(), error.detach() * ((1 - a) / a).flatten()


class _Averages:
  """Exponential moving averages of all parameters, ramped up over the first steps."""

  def __init__(self, model, saved=None):
    self._live = list(model.parameters())
    self.copies = saved or [[p.detach().clone() for p in self._live] for _ in EMA]

  @torch.no_grad()
  def update(self, step):
    for i, (decay, copies) in enumerate(zip(EMA, self.copies)):
      stride = 8**i  # the slow one moves every eighth step, eight times as far
      if step % stride == 0:
        kept = min(decay, (1 + step) / (10 + step)) ** stride
        torch._foreach_lerp_(copies, self._live, 1.0 - kept)

  @torch.no_grad()
  def put(self, model, which):
    for p, c in zip(model.parameters(), self.copies[which]):
      p.copy_(c)


@torch.no_grad()
def validate(model, data, alphas):
  """Mean squared error of the clean latent at four noise levels, on held-out pairs."""
  latents, ids = data.validation()
  generator = torch.Generator().manual_seed(7)
  noise = torch.randn(latents.shape, generator=generator)
  errors = []
  with torch.autocast("cpu", torch.bfloat16):
    context = model.text(ids)
    for t in (999, 800, 500, 200):
      a = alphas[t]
      eps = model.unet(a.sqrt() * latents + (1 - a).sqrt() * noise,
                       torch.full((latents.shape[0],), t), context).float()
      errors.append(((eps - noise).square().mean() * (1 - a) / a).item())
  return errors


def main_state():
  return state.load(state.STATE_DIR / "main.pt")


def train(stop, data, steps, finish=None, compiled=False, batch=BATCH):
  """Stage 4, up to `steps` steps of the main run; or, with `finish`, a branch of that many steps.

  Returns False when stopped early.
  """
  name = "finish" if finish else "main"
  path = state.STATE_DIR / f"{name}.pt"
  held = state.lock(name)  # noqa: F841
  model = build()
  optimizer = _optimizer(model.parameters())
  saved = state.load(path)
  if finish and saved is None:
    saved = main_state()
    saved["begun"] = saved["step"]
  if saved is None:
    model.text.load_state_dict(state.load(state.STATE_DIR / "text.pt"))
    saved = {"step": 0, "seconds": 0.0, "averages": None}
  else:
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
  step, seconds = saved["step"], saved["seconds"]
  begun = saved.get("begun", 0)  # where the branch left the main run
  last = begun + finish if finish else steps
  averages = _Averages(model, saved["averages"])
  alphas = diffusion.alphas_cumprod()
  weights = diffusion.loss_weights(alphas)
  run = torch.compile(objective, dynamic=False) if compiled else objective
  log, losses, errors = state.Log(name), [], []
  started = last_save = time.time()

  def save():
    state.save_atomic({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                       "averages": averages.copies, "step": step, "begun": begun,
                       "seconds": seconds + time.time() - started}, path)

  while step < last:
    latents, ids = data.batch(4, step, batch, tier=tier_at(step))
    generator = torch.Generator().manual_seed(SEED + step)
    t = diffusion.draw_timesteps(batch, generator)
    noise = torch.randn(latents.shape, generator=generator)
    rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP)
    if finish:
      rate += (LAST_RATE - rate) * (step - begun) / finish
    for group in optimizer.param_groups:
      group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16):
      loss, error = run(model, latents, ids, t, noise, alphas, weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    averages.update(step)
    step += 1
    losses.append(loss.item())
    errors.append(error.clamp(max=10.0).mean().item())
    if step % REPORT_EVERY == 0:
      log(step=step, loss=float(np.mean(losses)), x0_error=float(np.mean(errors)),
          rate=rate, seconds=seconds + time.time() - started)
      losses, errors = [], []
    if step % VALIDATE_EVERY == 0 or step == last:
      live = [p.detach().clone() for p in model.parameters()]
      for which in range(len(EMA)):
        averages.put(model, which)
        log(step=step, average=which, held_out=[round(e, 4) for e in validate(model, data, alphas)])
      with torch.no_grad():
        for p, c in zip(model.parameters(), live):
          p.copy_(c)
    if time.time() - last_save > state.SAVE_EVERY_S or stop.raised or step == last:
      save()
      last_save = time.time()
    if stop.raised and step < last:
      return False
  return True
