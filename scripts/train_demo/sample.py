#!/usr/bin/env python3
"""Draws a contact sheet from a state of the training run, to look at while it goes on."""

import argparse
import pathlib
import time

import numpy as np
import torch
from PIL import Image

import concepts
import dataset
import diffusion
import state
import train_autoencoder
import train_unet
from clip_text import tokenize

PROMPTS = (
    "a red heart on a blue background", "a dog", "a cat on a yellow background", "a house",
    "a tree on a pink background", "an apple", "a banana on a purple background", "a rocket",
    "a pumpkin on a green background", "a panda", "a butterfly on a white background", "a frog",
    "a red circle", "a blue square on a yellow background", "a green triangle on black",
    "a red circle and a blue square", "a yellow star above a purple ring on a gray background",
    "a sunflower on a turquoise background", "a car on a green background", "a key",
    "a picture of a fish on an orange background", "the moon on a black background",
    "a pizza on a red background", "an umbrella on a brown background")


class Drawer:
  """Loads a run's weights and turns prompts into pictures, bytes [N, 128, 128, 3]."""

  def __init__(self, run, average):
    saved = state.load(state.STATE_DIR / f"{run}.pt")
    self.step = saved["step"]
    self.model = train_unet.build()
    self.model.load_state_dict(saved["model"])
    if average >= 0:
      train_unet._Averages(self.model, saved["averages"]).put(self.model, average)
    self.model.eval()
    self.ae = train_autoencoder.build()
    trained = state.load(state.STATE_DIR / "decoder.pt") or state.load(state.STATE_DIR / "ae.pt")
    self.ae.load_state_dict(trained["model"])
    numbers = state.load(state.STATE_DIR / "latents.pt")
    self.mean, self.std = (numbers[k][:, None, None] for k in ("mean", "std"))

  @torch.no_grad()
  def decode(self, z):
    with torch.autocast("cpu", torch.bfloat16):
      x = self.ae.decode(z * self.std + self.mean).float()
    return ((x.clamp(-1, 1) + 1) * 127.5).to(torch.uint8).permute(0, 2, 3, 1).numpy()

  @torch.no_grad()
  def draw(self, prompts, scale, steps, seed, method="plms"):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(prompts), 4, 16, 16, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
      context = self.model.text(torch.tensor([tokenize(p) for p in prompts]))
      empty = self.model.text(torch.tensor([tokenize("")]))
      z = diffusion.sample(self.model.unet, context, empty, scale, steps, noise, method)
    return self.decode(z)


def sheet(pictures, columns):
  """[N, h, w, 3] -> one picture, rows of `columns`, white where there are none left."""
  n, h, w, _ = pictures.shape
  rows = -(-n // columns)
  out = np.full((rows * (h + 2), columns * (w + 2), 3), 128, np.uint8)
  for i, p in enumerate(pictures):
    y, x = i // columns * (h + 2), i % columns * (w + 2)
    out[y : y + h, x : x + w] = p
  return out


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("out", type=pathlib.Path)
  parser.add_argument("--run", default="main", choices=("main", "finish"))
  parser.add_argument("--average", type=int, default=0, help="moving average; -1: none")
  parser.add_argument("--scale", type=float, default=4.0)
  parser.add_argument("--steps", type=int, default=25)
  parser.add_argument("--seed", type=int, default=1)
  parser.add_argument("--columns", type=int, default=8)
  parser.add_argument("--concepts", type=int, default=0, metavar="TIER",
                      help="draw every concept up to this tier on backgrounds held out of training")
  parser.add_argument("--truth", action="store_true", help="with --concepts: true glyphs beside")
  parser.add_argument("--prompt", action="append")
  parser.add_argument("--threads", type=int, default=2)
  args = parser.parse_args()
  torch.set_num_threads(args.threads)
  drawer = Drawer(args.run, args.average)
  prompts, truth = list(args.prompt or PROMPTS), None
  if args.concepts:
    prompts, truth = [], []
    for i, c in enumerate(concepts.CONCEPTS):
      if c.tier > args.concepts:
        continue
      colours = [k for k in concepts.COLOURS if dataset.captions.held_out(c.name, k)] or ["white"]
      colour = colours[i % len(colours)] if i % 2 else "white"
      prompts.append(dataset.captions.with_article(c.name) +
                     ("" if colour == "white" else f" on a {colour} background"))
      truth.append(dataset.draw(("emoji", i, colour)))
  began = time.time()
  pictures = np.concatenate([drawer.draw(prompts[i : i + 32], args.scale, args.steps, args.seed + i)
                             for i in range(0, len(prompts), 32)])
  if args.truth and truth:
    pictures = np.concatenate([np.stack(truth), pictures], axis=2)
  Image.fromarray(sheet(pictures, args.columns)).save(args.out)
  print(f"{args.run} step {drawer.step}: {len(prompts)} pictures in {time.time() - began:.1f} s")


if __name__ == "__main__":
  main()
