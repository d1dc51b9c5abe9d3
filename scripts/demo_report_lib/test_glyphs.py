"""The small pictures that tests/e2e compares with: glyphs at 32x32 on black and on white."""

import json

import numpy as np
import render
from PIL import Image

import world as worlds

COLUMNS = 8
# Emoji of the first release, told apart by eye at 32x32; the first 12 are what the test asks for.
NAMES = ("heart", "panda", "apple", "pumpkin", "car", "strawberry", "ghost", "blue heart",
         "soccer ball", "tree", "yellow heart", "tangerine", "house", "watermelon", "banana",
         "frog", "penguin", "cactus", "rocket", "butterfly", "fish", "rabbit", "fox", "pig",
         "octopus", "crab", "cherries", "pizza", "umbrella", "key", "pineapple", "sunflower")


def _sheet(world, colour):
  cells = [worlds.shrink(render.emoji_picture(world.glyphs[n], colour)) for n in NAMES]
  rows = [np.concatenate(cells[i : i + COLUMNS], 1) for i in range(0, len(cells), COLUMNS)]
  return Image.fromarray(np.rint(np.concatenate(rows) * 255).astype(np.uint8))


def write(world, folder):
  """glyphs-on-black.png, glyphs-on-white.png and glyphs.json (names, colours) in the folder."""
  folder.mkdir(parents=True, exist_ok=True)
  _sheet(world, (0, 0, 0)).save(folder / "glyphs-on-black.png", optimize=True)
  _sheet(world, (255, 255, 255)).save(folder / "glyphs-on-white.png", optimize=True)
  facts = {"side": worlds.SIDE, "columns": COLUMNS, "names": NAMES, "colours": world.colours,
           "made_by": "scripts/demo_report --test-glyphs", "font": world.facts["font"],
           "licence": "SIL Open Font License 1.1; see models/demo/README.md"}
  (folder / "glyphs.json").write_text(json.dumps(facts, indent=1) + "\n")
