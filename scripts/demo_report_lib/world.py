"""What the built-in model knows, rendered, and how a picture is looked up in it.

Pictures are float arrays [side, side, 3] of sRGB values from 0 to 1. Every subject (an emoji or a
coloured shape) is kept twice, on black and on white: its picture on any colour c lies between them,
channel by channel, at black + (white - black) * c.
"""

import functools
import itertools
import json

import numpy as np
import render

SIDE = 32  # side of the pictures that are compared
BORDER = 4  # pixels of a 128x128 picture that are background on every side
SHIFTS = tuple(itertools.product((-1, 0, 1), repeat=2))  # at SIDE: 4 pixels of 128


def shrink(picture, side=SIDE):
  """Bytes [n * side, n * side, 3] -> [side, side, 3]: the means of squares, from 0 to 1."""
  n = picture.shape[0] // side
  means = picture.reshape(side, n, side, n, 3).mean((1, 3), dtype=np.float64)
  return (means / 255.0).astype(np.float32)


def border_colour(picture):
  """The median of the outer BORDER pixels, channel by channel, from 0 to 1."""
  inside = np.zeros(picture.shape[:2], bool)
  inside[BORDER:-BORDER, BORDER:-BORDER] = True
  return np.median(picture[~inside], axis=0).astype(np.float32) / 255.0


def rms(a, b):
  """Root of the mean squared difference of two pictures."""
  return float(np.sqrt(np.mean((a - b) ** 2)))


class Subjects:
  """A list of named subjects and their pictures, to look a drawn picture up in."""

  def __init__(self, names, draw):
    """`draw(name, colour)` renders one: bytes [128, 128, 3] for a background of sRGB bytes."""
    self.names = list(names)
    self.black = np.stack([shrink(draw(n, (0, 0, 0))) for n in self.names])
    self.range = np.stack([shrink(draw(n, (255, 255, 255))) for n in self.names]) - self.black

  def on(self, colour):
    """All of them on one background: [len(names), SIDE, SIDE, 3]."""
    return self.black + self.range * colour

  def squares(self, views, colour, part=()):
    """Summed squared differences [views, names] over the part of the rows and columns."""
    a = views[(slice(None), *part)].reshape(len(views), -1)
    b = self.on(colour)[(slice(None), *part)].reshape(len(self.names), -1)
    return np.maximum((a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1), 0)


def shifted_views(small):
  """The picture moved by each of SHIFTS, its edge repeated: [9, SIDE, SIDE, 3]."""
  padded = np.pad(small, ((1, 1), (1, 1), (0, 0)), "edge")
  return np.stack([padded[1 + y : 1 + y + SIDE, 1 + x : 1 + x + SIDE] for y, x in SHIFTS])


class World:
  """concepts.json beside the weights, and everything in it rendered."""

  def __init__(self, path):
    self.facts = json.loads(path.read_text())
    self.colours = self.facts["colours"]
    self.glyphs = {e["name"]: e["glyph"] for e in self.facts["emoji"]}
    self.held_out = {e["name"]: e["held_out_backgrounds"] for e in self.facts["emoji"]}
    self.emoji = Subjects(self.glyphs, lambda n, c: render.emoji_picture(self.glyphs[n], c))

  def nearest_colour(self, colour):
    """The name whose sRGB value is nearest to a colour from 0 to 1."""
    values = np.asarray(list(self.colours.values()), np.float32) / 255.0
    return list(self.colours)[int(((values - colour) ** 2).sum(1).argmin())]

  @functools.lru_cache(maxsize=None)
  def _shapes(self, centre, radius):
    names = list(itertools.product(self.colours, self.facts["shapes"]))
    return Subjects(names, lambda n, c: render.shape_picture(
        [(n[1], self.colours[n[0]], centre, radius)], c))

  def _visible(self, names, background):
    return np.asarray([name[0] != background for name in names])

  def kind(self, prompt):
    """"emoji", "shape", "beside" or "above"."""
    if prompt["kind"] == "emoji" or len(prompt["items"]) == 1:
      return prompt["kind"]
    above = " above " in prompt["prompt"] or " on top of " in prompt["prompt"]
    return "above" if above else "beside"

  def truth(self, prompt):
    """The name that the lookup should give first; None for an emoji that was not taught."""
    if prompt["kind"] == "emoji":
      return prompt["concept"] if prompt["concept"] in self.glyphs else None
    items = tuple(tuple(item) for item in prompt["items"])
    return items[0] if len(items) == 1 else (self.kind(prompt), *items)

  def render_truth(self, prompt):
    """The picture that the prompt asks for, as in training: bytes; None if not taught."""
    truth, background = self.truth(prompt), self.colours[prompt["background"]]
    if truth is None:
      return None
    return self.render(self.kind(prompt), truth, background)

  def render(self, kind, name, background):
    """The picture of a name that `lookup` gave: bytes [128, 128, 3]; background in sRGB bytes."""
    if kind == "emoji":
      return render.emoji_picture(self.glyphs[name], background)
    items = [name] if kind == "shape" else name[1:]
    places = {"shape": [((64, 64), 46)], "beside": [((34, 64), 27), ((94, 64), 27)],
              "above": [((64, 34), 27), ((64, 94), 27)]}[kind if kind == "shape" else name[0]]
    return render.shape_picture([(shape, self.colours[colour], centre, radius)
                                 for (colour, shape), (centre, radius) in zip(items, places)],
                                background)

  def lookup(self, picture, kind):
    """Everything of that kind that the model knows, nearest first: lists of names, distances.

    The distance is the RMS difference at 32x32, everything on the picture's own background (the
    median of its border), the smallest over moves of 4 pixels. Of shapes, those in the
    background's own colour are left out; pairs are all ordered pairs in both arrangements.
    """
    colour = border_colour(picture)
    views = shifted_views(shrink(picture))
    if kind == "emoji":
      names, squares = self.emoji.names, self.emoji.squares(views, colour).min(0)
    else:
      background = self.nearest_colour(colour)
      if kind == "shape":
        shapes = self._shapes((64, 64), 46)
        visible = self._visible(shapes.names, background)
        names = [n for n, v in zip(shapes.names, visible) if v]
        squares = shapes.squares(views, colour).min(0)[visible]
      else:
        names, squares = self._pairs(views, colour, background)
    order = np.argsort(squares, kind="stable")
    return [names[i] for i in order], np.sqrt(squares[order] / views[0].size)

  def _pairs(self, views, colour, background):
    """A pair's halves do not touch, so that its squares are the sum of two tables'."""
    first, second, whole = slice(0, SIDE // 2), slice(SIDE // 2, SIDE), slice(None)
    names, squares = [], []
    for relation, parts, centres in (
        ("beside", ((whole, first), (whole, second)), ((34, 64), (94, 64))),
        ("above", ((first, whole), (second, whole)), ((64, 34), (64, 94)))):
      halves = [self._shapes(centre, 27) for centre in centres]
      a, b = (half.squares(views, colour, part) for half, part in zip(halves, parts))
      total = (a[:, :, None] + b[:, None, :]).min(0)  # [names, names]
      visible = self._visible(halves[0].names, background)
      for i, j in itertools.product(range(len(visible)), repeat=2):
        one, other = halves[0].names[i], halves[0].names[j]
        if visible[i] and visible[j] and one[0] != other[0]:
          names.append((relation, one, other))
          squares.append(total[i, j])
    return names, np.asarray(squares)


def words(name):
  """A name of the lookup as a person would say it."""
  if isinstance(name, str):
    return name
  if name[0] not in ("beside", "above"):
    return " ".join(name)
  relation = "and" if name[0] == "beside" else "above"
  return f"{' '.join(name[1])} {relation} {' '.join(name[2])}"
