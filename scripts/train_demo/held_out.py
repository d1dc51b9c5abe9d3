#!/usr/bin/env python3
"""Writes the 64 prompts that are kept out of training and tuning: prompts_heldout.txt.

48 name an emoji on a background that it never had in training, 8 use another word or wording on
white, 4 are single shapes and 4 pairs of shapes. The truth for each: models/demo/concepts.json.
"""

import pathlib

import numpy as np

import captions
import concepts

SEED = 20221104
WORDINGS = ("{a} on a {c} background", "{a} on a {c} background", "{n}, {c} background",
            "a picture of {a} on a {c} background", "a drawing of {a} with a {c} background",
            "an illustration of {a} on a {c} background")
ON_WHITE = ("{a}", "a picture of {a}", "an icon of {a} on a white background", "one {n}, please")
SHAPES = (("red", "circle", "yellow"), ("blue", "star", "pink"), ("green", "hexagon", "white"),
          ("purple", "triangle", "orange"))
PAIRS = (("a red square and a green circle on a white background", "white"),
         ("a blue triangle next to a yellow star on a black background", "black"),
         ("an orange circle above a blue square on a white background", "white"),
         ("a pink diamond on top of a black ring on a turquoise background", "turquoise"))


def prompts():
  """The prompts with their truth: dicts of prompt, kind, background and concept or items."""
  rng = np.random.default_rng(SEED)
  first = [c for c in concepts.CONCEPTS if c.tier <= 2]
  order = rng.permutation(len(first))
  out = []
  for i in order:
    concept = first[i]
    free = [c for c in concepts.COLOURS if captions.held_out(concept.name, c)]
    if len(out) < 48 and free:
      colour = free[rng.integers(len(free))]
      text = WORDINGS[len(out) % len(WORDINGS)]
      out.append({"kind": "emoji", "concept": concept.name, "background": colour,
                  "prompt": text.format(n=concept.name, a=captions.with_article(concept.name),
                                        c=colour).replace(" a orange", " an orange")})
  for i in order[::-1]:
    concept = first[i]
    if len(out) < 56 and concept.aliases:
      noun = concept.aliases[0]
      text = ON_WHITE[len(out) % len(ON_WHITE)]
      out.append({"kind": "emoji", "concept": concept.name, "background": "white",
                  "prompt": text.format(n=noun, a=captions.with_article(noun))})
  for colour, shape, back in SHAPES:
    noun = captions.with_article(f"{colour} {shape}")
    out.append({"kind": "shape", "items": [[colour, shape]], "background": back,
                "prompt": f"{noun} on {captions.with_article(back)} background"})
  for text, back in PAIRS:
    words = text.replace(" next to", " and").split()
    items = [[words[i - 1], w] for i, w in enumerate(words) if w in concepts.SHAPES]
    out.append({"kind": "shape", "items": items, "background": back, "prompt": text})
  return out


def main():
  path = pathlib.Path(__file__).with_name("prompts_heldout.txt")
  path.write_text("".join(p["prompt"] + "\n" for p in prompts()))


if __name__ == "__main__":
  main()
