"""Stage 2: the training set as latents, encoded once and kept; captions are made when drawn."""

import numpy as np
import torch

import captions
import concepts
import held_out
import render
import state
import train_autoencoder
from clip_text import tokenize

SEED = 20221102
SINGLE_SHAPES, PAIRS = 800, 2000
COLOURS = list(concepts.COLOURS)
EMOJI_SHARE, SHAPE_SHARE = 0.74, 0.13  # of a batch; the rest are pairs of shapes
WHITE_SHARE = 0.45
COLOUR_WEIGHTS = {"gray": 3.0, "brown": 2.0, "purple": 1.5}  # the hard ones; the others have 1
EMPTY_SHARE = 0.1


def _other(rng, *taken):
  return [c for c in COLOURS if c not in taken][rng.integers(len(COLOURS) - len(set(taken)))]


def training_specs():
  """What to draw: ("emoji", concept, background) and ("shape", items, relation, background)."""
  rng = np.random.default_rng(SEED)
  specs = [("emoji", i, c) for i, concept in enumerate(concepts.CONCEPTS) for c in COLOURS
           if not captions.held_out(concept.name, c)]
  kept = [(sorted(map(tuple, p["items"])), p["background"])
          for p in held_out.prompts() if p["kind"] == "shape"]
  for n in range(SINGLE_SHAPES + PAIRS):
    back = "white" if rng.random() < WHITE_SHARE else COLOURS[rng.integers(len(COLOURS))]
    relation = "" if n < SINGLE_SHAPES else ("beside", "above")[rng.integers(2)]
    items = []
    for _ in range(2 if relation else 1):
      colour = _other(rng, back, *(c for c, _ in items))
      items.append((colour, concepts.SHAPES[rng.integers(len(concepts.SHAPES))]))
    if (sorted(items), back) not in kept:
      specs.append(("shape", items, relation, back))
  return specs


def held_out_specs():
  """64 pairs of a tier 1 concept and a background that training never sees, for the validation."""
  pairs = [("emoji", i, c) for i, concept in enumerate(concepts.CONCEPTS) for c in COLOURS
           if concept.tier == 1 and captions.held_out(concept.name, c)]
  order = np.random.default_rng(SEED).permutation(len(pairs))
  return [pairs[i] for i in order[:64]]


def draw(spec):
  """The picture of a spec: bytes [SIZE, SIZE, 3]."""
  colour = concepts.COLOURS[spec[-1]]
  if spec[0] == "emoji":
    return render.emoji_picture(concepts.CONCEPTS[spec[1]].glyph, colour)
  _, items, relation, _ = spec
  places = {"": [((64, 64), 46)], "beside": [((34, 64), 27), ((94, 64), 27)],
            "above": [((64, 34), 27), ((64, 94), 27)]}[relation]
  return render.shape_picture([(s, concepts.COLOURS[c], centre, radius)
                               for (c, s), (centre, radius) in zip(items, places)], colour)


@torch.no_grad()
def encode(specs, encoder, stop):
  """The specs' pictures through `encoder` ([N, 3, H, W] in [-1, 1] -> latents), 16 at a time.

  -> float32 [len(specs), 4, H/8, W/8]; None when stopped.
  """
  parts = []
  for i in range(0, len(specs), 16):
    x = np.stack([draw(s) for s in specs[i : i + 16]])
    x = torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    with torch.autocast("cpu", torch.bfloat16):
      z = encoder(x.contiguous(memory_format=torch.channels_last))
    parts.append(z.float().contiguous())
    if stop.raised:
      return None
  return torch.cat(parts)


def encode_all(stop):
  """Encodes every spec's picture and the statistics of the latents; kept in latents.pt."""
  path = state.STATE_DIR / "latents.pt"
  saved = state.load(path)
  specs, held = training_specs(), held_out_specs()
  if saved is None or saved["latents"].shape[0] != len(specs) + len(held):
    model = train_autoencoder.build()
    model.load_state_dict(state.load(state.STATE_DIR / "ae.pt")["model"])
    latents = encode(specs + held, model.eval().encode, stop)
    if latents is None:
      return None
    mean, std = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    units = (latents - mean[:, None, None]) / std[:, None, None]
    saved = {"mean": mean, "std": std, "latents": units.half()}
    state.save_atomic(saved, path)
  return Dataset(specs, held, saved["latents"])


class Dataset:
  """Draws batches of (latent, token ids); the draw depends on the seed and the step only."""

  def __init__(self, specs, held, latents):
    # latents: float16 [count, 4, 16, 16], unit variance; the held-out ones come last
    self.specs, self.held_out, self.latents = specs, held, latents
    self._of_concept = {}
    self._shapes, self._pairs = [], []
    for i, s in enumerate(specs):
      if s[0] == "emoji":
        self._of_concept.setdefault(s[1], {})[s[2]] = i
      else:
        (self._pairs if s[2] else self._shapes).append(i)

  def caption(self, rng, index):
    spec = self.specs[index]
    if spec[0] == "emoji":
      return captions.emoji_caption(rng, concepts.CONCEPTS[spec[1]], spec[2])
    return captions.shape_caption(rng, *spec[1:])

  def validation(self):
    """-> latents float32 [64, 4, 16, 16], ids int64 [64, 77] of held-out pairs."""
    texts = []
    for _, i, colour in self.held_out:
      noun = captions.with_article(concepts.CONCEPTS[i].name)
      texts.append(f"{noun} on a {colour} background")
    return self.latents[len(self.specs):].float(), torch.tensor([tokenize(t) for t in texts])

  def _index(self, rng, concept_ids):
    kind = rng.random()
    if kind < EMOJI_SHARE:
      by_colour = self._of_concept[concept_ids[rng.integers(len(concept_ids))]]
      if rng.random() < WHITE_SHARE:
        return by_colour["white"]
      colours = list(by_colour)
      weights = np.cumsum([COLOUR_WEIGHTS.get(c, 1.0) for c in colours])
      return by_colour[colours[np.searchsorted(weights, rng.random() * weights[-1], "right")]]
    pool = self._shapes if kind < EMOJI_SHARE + SHAPE_SHARE else self._pairs
    return pool[rng.integers(len(pool))]

  def batch(self, stage, step, count, tier, empty_share=EMPTY_SHARE):
    """-> latents float32 [count, 4, 16, 16], ids int64 [count, 77]; tier 0: concepts.FIRST."""
    rng = np.random.default_rng([SEED, stage, step])
    ids_of_tier = [i for i, c in enumerate(concepts.CONCEPTS)
                   if c.tier <= tier or tier == 0 and c.glyph in concepts.FIRST]
    indexes = [self._index(rng, ids_of_tier) for _ in range(count)]
    texts = ["" if rng.random() < empty_share else self.caption(rng, i) for i in indexes]
    return self.latents[indexes].float(), torch.tensor([tokenize(t) for t in texts])
