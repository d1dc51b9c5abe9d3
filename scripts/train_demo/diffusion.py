"""v1's noise schedule, weights for the loss on epsilon, two samplers for looking at results."""

import numpy as np
import torch

LINEAR_START, LINEAR_END, TIMESTEPS = 0.00085, 0.0120, 1000
SCALE_FACTOR = 0.18215


def alphas_cumprod():
  """[1000] float32: products of 1 - beta, beta linear in its square root."""
  betas = np.linspace(LINEAR_START**0.5, LINEAR_END**0.5, TIMESTEPS, dtype=np.float64) ** 2
  return torch.from_numpy(np.cumprod(1.0 - betas).astype(np.float32))


def draw_timesteps(count, generator):
  """[count] int64, t = 1000 (1 - u^1.7): more of the noisy end, where the words decide."""
  u = torch.rand(count, generator=generator)
  return (TIMESTEPS * (1.0 - u**1.7)).long().clamp(0, TIMESTEPS - 1)


def loss_weights(alphas):
  """Weights on the squared error of epsilon, min(SNR + 1, 5) / SNR, at most 100."""
  snr = alphas / (1.0 - alphas)
  return ((snr + 1.0).clamp(max=5.0) / snr).clamp(max=100.0)


@torch.no_grad()
def sample(eps_model, context, empty_context, scale, steps, noise, method="plms"):
  """Draws latents with guidance.

  eps_model(x [2N, 4, h, w], t [2N], context [2N, 77, d]); `noise` [N, 4, h, w] starts the run.
  Methods: "ddim" (Song et al. 2021, eta 0) and "plms" (Liu et al. 2022, Adams-Bashforth).
  """
  alphas = alphas_cumprod()
  ts = list(range(1, TIMESTEPS + 1, TIMESTEPS // steps))[::-1]
  both = torch.cat([empty_context.expand_as(context), context])

  def eps(x, t):
    pair = torch.cat([x, x])
    e = eps_model(pair, torch.full((pair.shape[0],), min(t, TIMESTEPS - 1)), both).float()
    e_empty, e_text = e.chunk(2)
    return e_empty + scale * (e_text - e_empty)

  def step(x, e, a, a_next):
    x0 = (x - (1 - a).sqrt() * e) / a.sqrt()
    return a_next.sqrt() * x0 + (1 - a_next).sqrt() * e

  x, history = noise, []
  for i, t in enumerate(ts):
    a = alphas[min(t, TIMESTEPS - 1)]
    t_next = ts[i + 1] if i + 1 < len(ts) else 0
    a_next = alphas[t_next]
    e = eps(x, t)
    if method == "ddim":
      mixed = e
    elif not history:
      mixed = (e + eps(step(x, e, a, a_next), t_next)) / 2
    else:
      past = [e, *history]
      weights = {2: (3, -1), 3: (23, -16, 5), 4: (55, -59, 37, -9)}[min(4, len(past))]
      mixed = sum(w * p for w, p in zip(weights, past)) / sum(weights)
    history = [e, *history][:3]
    x = step(x, mixed, a, a_next)
  return x
