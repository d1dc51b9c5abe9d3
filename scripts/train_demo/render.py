"""Draws the training pictures: colour emoji and plain shapes on one-coloured backgrounds.

All pictures are RGB bytes [SIZE, SIZE, 3]. The emoji come from the bitmaps of Noto Color Emoji
(SIL Open Font License 1.1; Debian package fonts-noto-color-emoji).
"""

import functools
import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT_PATHS = ("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",)
FONT_SIZE = 109  # the only size of the bitmaps in the font: 136 x 128 pixels
SIZE = 128
GLYPH_SIDE = 112  # side of the box that a centred glyph fits in
SUPERSAMPLE = 3


def font_path():
  """Path of the font; DEMO_EMOJI_FONT overrides the place where Debian puts it."""
  for path in (os.environ.get("DEMO_EMOJI_FONT"), *FONT_PATHS):
    if path and os.path.exists(path):
      return path
  raise SystemExit("Noto Color Emoji not found: install fonts-noto-color-emoji (Debian) or set "
                   "DEMO_EMOJI_FONT to NotoColorEmoji.ttf")


@functools.lru_cache(maxsize=1)
def _font():
  return ImageFont.truetype(font_path(), FONT_SIZE)


@functools.lru_cache(maxsize=None)
def glyph_bitmap(glyph):
  """The glyph cropped to its ink: an RGBA image, or None where the font has no such glyph."""
  canvas = Image.new("RGBA", (200, 180), (0, 0, 0, 0))
  ImageDraw.Draw(canvas).text((20, 20), glyph, font=_font(), embedded_color=True)
  box = canvas.getbbox()
  return canvas.crop(box) if box else None


def _premultiplied_resize(image, size):
  """Resizes RGBA without dark fringes: colours are weighted by their coverage."""
  a = np.asarray(image, np.float32)
  a[..., :3] *= a[..., 3:] / 255.0
  planes = [Image.fromarray(a[..., i]).resize(size, Image.LANCZOS) for i in range(4)]
  return np.stack([np.asarray(p) for p in planes], -1)  # [h, w, 4], colours premultiplied


@functools.lru_cache(maxsize=8192)
def _glyph_at(glyph, side):
  image = glyph_bitmap(glyph)
  scale = side / max(image.size)
  w, h = (max(1, round(s * scale)) for s in image.size)
  return _premultiplied_resize(image, (w, h))


def paste_glyph(picture, glyph, centre, side):
  """Lays a glyph over the float picture [H, W, 3] in place; centre (x, y), box side in pixels."""
  g = _glyph_at(glyph, side)
  h, w = g.shape[:2]
  x0, y0 = round(centre[0] - w / 2), round(centre[1] - h / 2)
  sx, sy = max(0, -x0), max(0, -y0)
  ex, ey = min(w, picture.shape[1] - x0), min(h, picture.shape[0] - y0)
  part = g[sy:ey, sx:ex]
  area = picture[y0 + sy : y0 + ey, x0 + sx : x0 + ex]
  area *= 1.0 - part[..., 3:] / 255.0
  area += part[..., :3]


def _polygon(points, centre, radius):
  return [(centre[0] + radius * x, centre[1] + radius * y) for x, y in points]


def _regular(n, turn=-90.0, radii=(1.0,)):
  corners = n * len(radii)
  return [(radii[i % len(radii)] * math.cos(math.radians(turn + 360.0 * i / corners)),
           radii[i % len(radii)] * math.sin(math.radians(turn + 360.0 * i / corners)))
          for i in range(corners)]


_POLYGONS = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0.0, -0.95), (1.0, 0.8), (-1.0, 0.8)],
    "star": _regular(5, radii=(1.05, 0.42)),
    "diamond": [(0.0, -1.05), (0.75, 0.0), (0.0, 1.05), (-0.75, 0.0)],
    "cross": [(-0.3, -0.95), (0.3, -0.95), (0.3, -0.3), (0.95, -0.3), (0.95, 0.3), (0.3, 0.3),
              (0.3, 0.95), (-0.3, 0.95), (-0.3, 0.3), (-0.95, 0.3), (-0.95, -0.3), (-0.3, -0.3)],
    "hexagon": _regular(6, turn=0.0),
}


def paste_shape(picture, shape, colour, centre, radius):
  """Draws a filled shape over the float picture [H, W, 3] in place; sRGB bytes, pixels."""
  s = SUPERSAMPLE
  mask = Image.new("L", (picture.shape[1] * s, picture.shape[0] * s), 0)
  draw = ImageDraw.Draw(mask)
  c, r = (centre[0] * s, centre[1] * s), radius * s
  if shape in ("circle", "ring"):
    draw.ellipse((c[0] - r, c[1] - r, c[0] + r, c[1] + r), fill=255)
    if shape == "ring":
      q = 0.55 * r
      draw.ellipse((c[0] - q, c[1] - q, c[0] + q, c[1] + q), fill=0)
  else:
    draw.polygon(_polygon(_POLYGONS[shape], c, r), fill=255)
  mask = mask.resize((picture.shape[1], picture.shape[0]), Image.BOX)
  a = np.asarray(mask, np.float32)[..., None] / 255.0
  picture *= 1.0 - a
  picture += a * np.asarray(colour, np.float32)


def background(colour, size=SIZE):
  """A one-coloured float picture [size, size, 3]; `colour` in sRGB bytes."""
  return np.tile(np.asarray(colour, np.float32), (size, size, 1))


def finish(picture):
  """Float picture -> bytes."""
  return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def emoji_picture(glyph, colour, offset=(0, 0), side=GLYPH_SIDE):
  """One centred emoji on a background: bytes [SIZE, SIZE, 3]; offset in pixels."""
  picture = background(colour)
  paste_glyph(picture, glyph, (SIZE / 2 + offset[0], SIZE / 2 + offset[1]), side)
  return finish(picture)


def shape_picture(shapes, colour):
  """`shapes`: list of (shape, colour, centre, radius), drawn in order on a background."""
  picture = background(colour)
  for shape, shape_colour, centre, radius in shapes:
    paste_shape(picture, shape, shape_colour, centre, radius)
  return finish(picture)
