"""Every sampler and preset in few steps: the table and the sheet of docs/samplers.md."""

import json

import numpy as np

import measure
import sheets
import world as worlds
from experiments import FIRST_SEED, RECOMMENDED_SCALE

STEPS = (4, 10, 20)
PRESETS = ("exact", "fast", "turbo")
SOLUTION_STEPS = 1000
SHOWN = (0, 4, 56)  # prompts of the sheet
BEGIN, END = "<!-- Made by scripts/demo_report --samplers. -->\n", "<!-- End of what it made. -->\n"
HEAD = """
The built-in model's {count} prompts that were kept out of training, drawn once each at guidance
scale {scale:g} with the seeds {first} and up (`turbo`, which uses the model's adapter for few steps, at
scale 1). *Right* counts the pictures that are closer to what the prompt asks for than to anything
else that the model knows (`models/demo/REPORT.md` describes the lookup). *Away* is the mean
difference from the {solution}-step DDIM pictures of the same noise: the root of the mean squared
difference of values from 0 to 1, at 64x64. A sampler that adds its own noise has different pictures
there. *Seconds* are processor seconds per picture on one thread in batches of 8, including start,
text and decoding. `scripts/demo_report --samplers` draws what is missing; an empty cell was not
drawn yet.

"""
COLUMNS = ("right", "away", "seconds")


def _lines(world, flags):
  return [{"prompt": p["prompt"], "seed": FIRST_SEED + i, "scale": RECOMMENDED_SCALE, **flags}
          for i, p in enumerate(world.facts["held_out_prompts"])]


class Cells:
  """Draws and judges all prompts with some flags; or only judges what is drawn."""

  def __init__(self, world, program, only_drawn):
    self._world, self._program, self._only_drawn = world, program, only_drawn
    self._prompts = world.facts["held_out_prompts"]
    solution = self._draw("solution", {"sampler": "ddim", "ddim_steps": SOLUTION_STEPS})
    self._solution = None if solution is None else [worlds.shrink(p, 64) for p in solution]

  def _draw(self, name, flags, *arguments):
    """-> pictures; None: not drawn, and not to be."""
    lines = _lines(self._world, flags)
    if self._only_drawn and not self._program.is_drawn(f"table-{name}", lines):
      return None
    return self._program.draw(f"table-{name}", lines, *arguments)

  def measure(self, name, flags, *arguments):
    """-> a dict: pictures, first, away (None: no solution), seconds; None: not drawn."""
    pictures = self._draw(name, flags, *arguments)
    if pictures is None:
      return None
    found = measure.summary(measure.judge_all(self._world, self._prompts, pictures))
    away = None
    if self._solution is not None:
      away = float(np.mean([worlds.rms(worlds.shrink(p, 64), s)
                            for p, s in zip(pictures, self._solution)]))
    seconds = self._program.processor_seconds(f"table-{name}") / len(pictures)
    return {"pictures": pictures, "first": found["first"], "away": away, "seconds": seconds}


def _cell(found):
  if found is None:
    return ["", "", ""]
  away = "" if found["away"] is None else f"{found['away']:.3f}"
  return [str(found["first"]), away, f"{found['seconds']:.2f}"]


def _table(head, rows):
  """Markdown: head and rows are lists of texts."""
  lines = [head, ["---"] * len(head), *rows]
  return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def _text(world, presets, rows):
  text = HEAD.format(count=len(world.facts["held_out_prompts"]), scale=RECOMMENDED_SCALE,
                     first=FIRST_SEED, solution=SOLUTION_STEPS)
  text += _table(["preset", *COLUMNS], [[f"`{name}`", *_cell(found)] for name, found in presets])
  head = [f"{n} steps: {COLUMNS[0]}" if c == COLUMNS[0] else c for n in STEPS for c in COLUMNS]
  text += _table(["sampler", *head], [[f"`{name}`", *sum(map(_cell, cells), [])]
                                      for name, cells in rows])
  return text + "![Pictures by sampler and steps](samplers.png)\n\n"


def _save_sheet(rows, path):
  """rows: [(name, the cells of STEPS)]; three pictures a cell."""
  def pictures(cell):
    return [None if cell is None else cell["pictures"][i] for i in SHOWN]
  sheets.save(path, [[pictures(cell) for cell in cells] for _, cells in rows], 48,
              row_labels=[name for name, _ in rows],
              column_labels=[f"{n} steps" for n in STEPS], label_width=130, groups=len(SHOWN))


def write(world, program, docs, only_drawn=False):
  """Draws what is not drawn yet; puts the table into docs/samplers.md, the sheet beside it."""
  cells = Cells(world, program, only_drawn)
  presets = [(name, cells.measure(f"preset-{name}", {"scale": 1} if name == "turbo" else {},
                                  "--preset", name)) for name in PRESETS]
  names = [s["name"] for s in json.loads(program.output("samplers", "--json"))["samplers"]]
  rows = [(name, [cells.measure(f"{name}-{n}", {"sampler": name, "ddim_steps": n})
                  for n in STEPS]) for name in names]
  _save_sheet(rows, docs / "samplers.png")
  page = docs / "samplers.md"
  before, rest = page.read_text().split(BEGIN)
  page.write_text(before + BEGIN + _text(world, presets, rows) + END + rest.split(END)[1])
  return page
