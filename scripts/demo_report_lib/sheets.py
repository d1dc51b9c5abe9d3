"""Contact sheets and the figure, as small PNG files."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (30, 30, 30), (255, 255, 255)


def _resized(picture, side):
  return Image.fromarray(picture).resize((side, side), Image.LANCZOS)


def beside(pictures, side, gap=2):
  """Pictures (bytes, or None for a blank) in a row, as one picture of bytes."""
  row = np.full((side, len(pictures) * (side + gap) - gap, 3), 255, np.uint8)
  for i, picture in enumerate(pictures):
    if picture is not None:
      row[:, i * (side + gap) : i * (side + gap) + side] = np.asarray(_resized(picture, side))
  return row


def save(path, rows, side, row_labels=None, column_labels=None, label_width=0, groups=1):
  """A table of cells; each cell is a list of pictures that stand side by side.

  `groups` pictures a cell; labels are text; 256 colours, so that the files stay small.
  """
  gap, top = 8, 18 if column_labels else 0
  cell = groups * (side + 2) - 2
  columns = max(len(row) for row in rows)
  sheet = Image.new("RGB", (label_width + columns * (cell + gap), top + len(rows) * (side + gap)),
                    PAPER)
  draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
  for i, text in enumerate(column_labels or ()):
    draw.text((label_width + i * (cell + gap), 2), text, INK, font)
  for y, row in enumerate(rows):
    if row_labels:
      draw.multiline_text((2, top + y * (side + gap) + 4), row_labels[y], INK, font)
    for x, pictures in enumerate(row):
      place = (label_width + x * (cell + gap), top + y * (side + gap))
      sheet.paste(Image.fromarray(beside(pictures, side)), place)
  sheet.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def plot_sweep(path, points, steps):
  """`points`: dicts of scale, margin and nearest; text fit to the right, quality upwards."""
  import matplotlib
  matplotlib.use("Agg")
  import matplotlib.pyplot as plt
  figure, axes = plt.subplots(figsize=(5.6, 3.6), dpi=90)
  axes.plot([p["margin"] for p in points], [p["nearest"] for p in points], "o-", color="C0")
  for p in points:
    axes.annotate(f"{p['scale']:g}", (p["margin"], p["nearest"]), xytext=(5, 5),
                  textcoords="offset points")
  axes.set(xlabel="text fit: how much nearer the truth is than the next best",
           ylabel="RMS to the nearest rendered picture",
           title=f"Guidance scale, {steps} PLMS steps")
  axes.invert_yaxis()  # better is up and to the right
  axes.grid(alpha=0.3)
  figure.tight_layout()
  figure.savefig(path)
