"""Draws prompts with the base model or with an adapter and scores them as scripts/demo_report does.
"""

import sys

import numpy as np
import torch
from torch.func import functional_call

import captions
import concepts
import diffusion
import lcm
import state
from clip_text import tokenize

sys.path.append(str(state.ROOT / "scripts" / "demo_report_lib"))

import measure  # noqa: E402
import world as worlds  # noqa: E402

FIRST_SEED = 1000  # prompt k has this seed plus k
BASE_STEPS, BATCH = 50, 16


def validation_prompts(data):
  """Prompts of the training run's own check: pairs that training never saw, none of the 64."""
  out = []
  for _, i, colour in data.held_out:
    name = concepts.CONCEPTS[i].name
    text = captions.on_colour(captions.with_article(name) + " on a {c} background", colour)
    out.append({"kind": "emoji", "concept": name, "background": colour, "prompt": text})
  return out


def noises(count, steps):
  """[steps][count, 4, 16, 16]: each picture's noise comes from a generator of its own."""
  parts = [torch.randn(steps, 4, 16, 16, generator=torch.Generator().manual_seed(FIRST_SEED + k))
           for k in range(count)]
  return list(torch.stack(parts, 1))


class Scorer:
  """Draws and judges one list of prompts (dicts as in concepts.json)."""

  def __init__(self, model, prompts):
    self._model, self.prompts = model, prompts
    self._world = worlds.World(state.MODEL_DIR / "concepts.json")
    with torch.no_grad():
      self._contexts = model.text(torch.tensor([tokenize(p["prompt"]) for p in prompts]))
      self._empty = model.text(torch.tensor([tokenize("")]))

  def _draw(self, latents_of):
    parts = [self._model.decode(latents_of(slice(i, i + BATCH)))
             for i in range(0, len(self.prompts), BATCH)]
    return np.concatenate(parts)

  def draw_base(self, scale, steps=BASE_STEPS, method="plms"):
    """Guided pictures of the base model, bytes [N, 128, 128, 3]."""
    start = noises(len(self.prompts), 1)[0]
    return self._draw(lambda part: diffusion.sample(
        self._model.unet, self._contexts[part], self._empty, scale, steps, start[part], method))

  def draw_lcm(self, steps, weights=None):
    """Pictures by the LCM sampler at scale 1; `weights` replace the UNet's (Adapter.merged)."""
    unet, drawn = self._model.unet, noises(len(self.prompts), steps)

    def network(*args):
      return functional_call(unet, weights or {}, args)

    return self._draw(lambda part: lcm.sample(network, self._contexts[part],
                                              [n[part] for n in drawn]))

  def score(self, pictures, reference=None):
    """measure.summary of the pictures; `apart`: mean RMS to reference pictures at 64x64."""
    found = measure.summary(measure.judge_all(self._world, self.prompts, pictures))
    if reference is not None:
      small = [[worlds.shrink(p, 64) for p in side] for side in (pictures, reference)]
      found["apart"] = float(np.mean([worlds.rms(a, b) for a, b in zip(*small)]))
    return found


def row(name, found):
  """One line of text with the figures of a summary."""
  apart = f", {found['apart']:.3f} from the base's pictures" if "apart" in found else ""
  return (f"{name}: first in {found['first']} of {found['count']}, first five {found['five']}, "
          f"background right {found['background']}, fit {found['margin']:.3f}, error "
          f"{found['error']:.4f}{apart}")
