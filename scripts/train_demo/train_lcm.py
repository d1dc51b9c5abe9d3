#!/usr/bin/env python3
"""Distils models/demo/lcm.safetensors, the built-in model's adapter for drawing in 4 LCM steps.

    .venv-train/bin/python scripts/train_demo/train_lcm.py             # stop and start at will
    .venv-train/bin/python scripts/train_demo/train_lcm.py --evaluate  # held-out prompts
    .venv-train/bin/python scripts/train_demo/train_lcm.py --export    # the best to models/demo

The teacher is the committed model at guidance scale 3, the student is that model with a LoRA, the
method is latent consistency distillation (lcm.py). State is in .train_demo/lcm/, saved every few
minutes and on SIGTERM. Where there is none, training starts from models/demo/lcm.safetensors if
that is there: a new machine goes on, with a fresh optimizer.
"""

import argparse
import json
import pathlib
import shutil
import sys
import time

import numpy as np
import safetensors
import torch
from torch.func import functional_call

import lcm
import lcm_score
import lcm_targets
import state
import train
from demo_weights import DemoModel
from lora import Adapter
from train_unet import UNET_CONFIG

RANK = 24
GUIDANCE = 3.0
BATCH = 16
RATE, WARM_UP, CONSTANT = 3e-4, 50, 500  # from CONSTANT steps on, 1 / sqrt(step)
# The published recipe for adapters has no average in the target, the paper 0.95: a short one lets
# what the last times learn reach the first ones in fewer steps.
TARGET_DECAY, EXPORT_DECAY = 0.8, 0.998
REPORT_EVERY, VALIDATE_EVERY = 50, 250
VALIDATED = 32  # prompts of the run's own check
FOLDER = state.STATE_DIR / "lcm"
ADAPTER = state.MODEL_DIR / "lcm.safetensors"


def learning_rate(step):
  return RATE * min(1.0, (step + 1) / WARM_UP, (CONSTANT / (step + 1)) ** 0.5)


def _metadata(step, found):
  return {"modelspec.title": "LCM adapter of the built-in demo model", "step": str(step),
          "lcm.sampler": "LCM", "lcm.steps": "4", "lcm.guidance_scale": "1",
          "lcm.distilled_guidance_scale": f"{GUIDANCE:g}", "lcm.validation": json.dumps(found)}


class Run:
  """The state of a training run: factors, their averages, the optimizer, the step."""

  def __init__(self, adapter):
    self._adapter, self.step, self.seconds, self.best = adapter, 0, 0.0, None
    self.factors = [f.requires_grad_() for f in adapter.factors]
    self.optimizer = torch.optim.AdamW(self.factors, RATE, betas=(0.9, 0.98), weight_decay=0.0,
                                       fused=True)
    saved = state.load(FOLDER / "state.pt")
    if saved is None and ADAPTER.exists():
      self._start_from_export()
    self.target, self.export = ([f.detach().clone() for f in self.factors] for _ in range(2))
    if saved is not None:
      self._load(saved)

  def _load(self, saved):
    self._put(saved["factors"])
    self.optimizer.load_state_dict(saved["optimizer"])
    self.target, self.export = saved["averages"]
    self.step, self.seconds, self.best = saved["step"], saved["seconds"], saved["best"]

  def _start_from_export(self):
    self._put(self._adapter.read(ADAPTER))
    with safetensors.safe_open(ADAPTER, "pt") as file:
      metadata = file.metadata()
    self.step = int(metadata["step"])
    self.best = json.loads(metadata["lcm.validation"])["apart"]

  def _put(self, factors):
    with torch.no_grad():
      for f, value in zip(self.factors, factors):
        f.copy_(value)

  def save(self):
    state.save_atomic({"factors": [f.detach() for f in self.factors],
                       "averages": [self.target, self.export],
                       "optimizer": self.optimizer.state_dict(), "step": self.step,
                       "seconds": self.seconds, "best": self.best}, FOLDER / "state.pt")

  @torch.no_grad()
  def advance(self, loss):
    """One step of the optimizer and of the averages."""
    for group in self.optimizer.param_groups:
      group["lr"] = learning_rate(self.step)
    self.optimizer.zero_grad(set_to_none=True)
    with torch.enable_grad():
      loss.backward()
    torch.nn.utils.clip_grad_norm_(self.factors, 1.0)
    self.optimizer.step()
    self.step += 1
    for copies, decay in ((self.target, TARGET_DECAY), (self.export, EXPORT_DECAY)):
      kept = min(decay, (1 + self.step) / (10 + self.step))
      torch._foreach_lerp_(copies, self.factors, 1.0 - kept)

  def keep_if_best(self, found):
    """Writes best.safetensors where the pictures are nearer to the teacher's than ever before.

    The first to beat is the model without an adapter.
    """
    if found["apart"] < self.best:
      self.best = found["apart"]
      self._adapter.save(FOLDER / "best.safetensors", self.export, _metadata(self.step, found))


def distillation_loss(model, adapter, run, targets):
  """The loss of the run's next batch."""
  def student(factors):
    merged = adapter.merged(factors)
    return lambda *a: functional_call(model.unet, merged, a)

  with torch.autocast("cpu", torch.bfloat16):
    with torch.no_grad():
      x, index, context, target = targets.batch(run.step, student(run.target))
    answer = lcm.consistency(student(run.factors), x, lcm.TIMES[index], context)
  return lcm.huber(answer - target)


def _reference(scorer):
  """The base model's guided pictures for the validation, drawn once and kept."""
  path = FOLDER / "reference.npy"
  if not path.exists():
    np.save(path, scorer.draw_base(GUIDANCE))
  return np.load(path)


def _validate(scorer, adapter, run, reference, log):
  found = scorer.score(scorer.draw_lcm(4, adapter.merged(run.export)), reference)
  found = {k: round(v, 5) for k, v in found.items()}
  run.keep_if_best(found)
  log(step=run.step, validation=found)


def train_adapter(model, adapter, data, steps, stop, kind):
  """Steps up to `steps`; returns False when stopped early."""
  held = state.lock("lcm/train")  # noqa: F841
  run, log, losses = Run(adapter), state.Log("lcm/train"), []
  scorer = lcm_score.Scorer(model, lcm_score.validation_prompts(data)[:VALIDATED])
  reference = _reference(scorer)
  targets = lcm_targets.KINDS[kind](model, data, GUIDANCE, BATCH)
  if run.best is None:
    alone = scorer.score(scorer.draw_lcm(4), reference)
    run.best = alone["apart"]
    log(step=run.step, teacher=scorer.score(reference), no_adapter=alone)
  last_save = last_time = time.time()
  while run.step < steps and not stop.raised:
    loss = distillation_loss(model, adapter, run, targets)
    run.advance(loss)
    losses.append(loss.item())
    now = time.time()
    run.seconds, last_time = run.seconds + now - last_time, now
    if run.step % REPORT_EVERY == 0:
      log(step=run.step, loss=float(np.mean(losses)), rate=learning_rate(run.step),
          seconds=run.seconds)
      losses = []
    if run.step % VALIDATE_EVERY == 0:
      _validate(scorer, adapter, run, reference, log)
    if now - last_save > state.SAVE_EVERY_S:
      run.save()
      last_save = now
  run.save()
  return run.step >= steps


def evaluate(model, adapter, path, steps):
  """Prints the scores on the prompts of prompts_heldout.txt beside the base model's."""
  facts = json.loads((state.MODEL_DIR / "concepts.json").read_text())
  scorer = lcm_score.Scorer(model, facts["held_out_prompts"])
  reference = scorer.draw_base(GUIDANCE)
  print(lcm_score.row(f"base, {lcm_score.BASE_STEPS} PLMS steps at scale {GUIDANCE:g}",
                      scorer.score(reference)), flush=True)
  adapters = {"no adapter": None, path.name: adapter.merged(adapter.read(path))}
  for count in steps:
    for name, weights in adapters.items():
      found = scorer.score(scorer.draw_lcm(count, weights), reference)
      print(lcm_score.row(f"{name}, {count} LCM steps at scale 1", found), flush=True)


@torch.no_grad()
def check(model, adapter, path):
  """Compares the merged forward pass and the drawn latents with the adapter beside the weights."""
  factors, generator = adapter.read(path), torch.Generator().manual_seed(lcm_targets.SEED)
  merged = adapter.merged(factors)
  context = model.empty.expand(4, -1, -1)
  noises = [torch.randn(4, 4, 16, 16, generator=generator) for _ in range(4)]
  one = lcm.sample(lambda *a: functional_call(model.unet, merged, a), context, noises)
  with adapter.beside(factors):
    other = lcm.sample(model.unet, context, noises)
  plain = lcm.sample(model.unet, context, noises)
  apart, moved = (one - other).abs().max().item(), (one - plain).abs().max().item()
  print(f"4 steps, merged and beside: {apart:.2g} apart; the adapter moves them by {moved:.2g}")
  if not apart < 1e-4 < moved:
    raise SystemExit("merged and unmerged forms differ, or the adapter does nothing")


def _arguments():
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--steps", type=int, default=20000, help="train up to this many")
  parser.add_argument("--targets", choices=list(lcm_targets.KINDS), default="ends",
                      help="what the student is compared with (lcm_targets.py)")
  parser.add_argument("--evaluate", action="store_true", help="score an adapter instead")
  parser.add_argument("--check", action="store_true", help="merged against unmerged, instead")
  parser.add_argument("--export", action="store_true", help="best.safetensors to models/demo")
  parser.add_argument("--adapter", type=pathlib.Path, default=ADAPTER,
                      help="for --evaluate and --check")
  parser.add_argument("--sampler-steps", type=int, nargs="+", default=[1, 2, 4, 8])
  parser.add_argument("--threads", type=int, default=1)
  return parser.parse_args()


def main():
  args = _arguments()
  train.restart_in_environment()
  torch.set_num_threads(args.threads)
  FOLDER.mkdir(parents=True, exist_ok=True)
  if args.export:
    shutil.copyfile(FOLDER / "best.safetensors", ADAPTER)
    return
  stop, model = state.StopFlag(), DemoModel()
  adapter = Adapter(model.unet, RANK, UNET_CONFIG["num_res_blocks"], lcm_targets.SEED)
  if args.check:
    check(model, adapter, args.adapter)
  elif args.evaluate:
    evaluate(model, adapter, args.adapter, args.sampler_steps)
  else:
    data = model.training_set(FOLDER / "latents.pt", stop)
    if data is None or not train_adapter(model, adapter, data, args.steps, stop,
                                             args.targets):
      sys.exit("stopped; run again to go on")


if __name__ == "__main__":
  main()
