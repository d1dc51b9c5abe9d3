"""The words and tables of REPORT.md."""

import collections

import measure
import world as worlds
from experiments import DISTILLED_STEPS, RECOMMENDED_SCALE

HEAD = """# What the built-in model draws

Made by `scripts/demo_report` with the C++ program; do not edit. Weights: `model.safetensors`,
SHA-256 `{digest}`.

| | |
|---|---|
| size of the weights | {megabytes:.1f} MB |
| emoji taught | {emoji} |
| colours, shapes | {colours}, {shapes} |
| seconds for one 128x128 picture, {steps} PLMS steps, {threads} thread{s} | {seconds:.2f} |
| the whole run that draws one, start and loading included | {whole_run:.2f} s |
{training}
A picture's seconds are the difference of a run that draws three, one after the other, and a run
that draws one, halved; the least of {timing_runs}. What stands below "training" is copied from
`README.md`.

## {count} prompts kept out of training and tuning

Each drawn once with {steps} PLMS steps, guidance scale {scale:g} and a seed of its own, fixed
before anything was looked at; no picture was chosen.
{groups}

"""

LOOKUP = """
**The lookup.** A picture is compared with everything of its kind that the model knows: {emoji}
emoji, or {single} coloured shapes, or {pairs} pairs of shapes (two colours, ordered, side by side
or one above the other; what would have the background's own colour is left out). The distance is
the root of the mean squared difference of sRGB values from 0 to 1, at 32x32 (means of 4x4 pixels),
after the rendered picture is laid on the drawn picture's own background (the median of its
outermost 4 pixels); the smallest over moves by 4 pixels in any direction. The background's colour
is the named one nearest to that median. *Fit* is 1 – distance to the truth / distance to the
nearest other: above 0 the truth is first. *Error* is the same kind of difference at 64x64, not
moved, to the rendered truth on the colour that was asked for.

**Calibration.** The same lookup on pictures whose truth is known otherwise:

| pictures | first 1 | first 5 | background right | mean fit | mean error |
|---|---|---|---|---|---|
"""

SWEEP = """
The autoencoder's line is the best that any drawing of this model can reach.

## Guidance scale

The same prompts with the same seeds, {steps} PLMS steps. Quality is the distance to the nearest
rendered picture, whatever it shows: how far the drawing is from anything of its world.

![Text fit against quality](report/guidance.png)

| scale | first 1 | first 5 | mean rank | background right | mean fit | to nearest | mean error |
|---|---|---|---|---|---|---|---|
"""

FEW_STEPS = """## The distilled adapter

The same prompts with the same seeds:

| drawn | first 1 | first 5 | background right | mean fit | mean error |
|---|---|---|---|---|---|
"""

SAMPLERS = """
One row a scale, from {low:g} (top) to {high:g}:

![Pictures at every scale](report/guidance-pictures.png)

{few_steps}
## Samplers and steps

"a red heart on a blue background" and "a panda on a yellow background", the same seed, scale
{scale:g}:

![Samplers and steps](report/samplers.png)

## What fails

The {worst} of the {count} that fit their words least, worst first: drawn, then what was asked for,
then, where that is something else, what the lookup takes it for.

![Worst of the held-out prompts](report/failures.png)

| prompt | rank of the truth | fit | what is wrong |
|---|---|---|---|
"""

OUTSIDE = """
Prompts at the edge of what it was taught and beyond, one drawing each, in the order of the table:

![Beyond its world](report/outside.png)

| prompt | what it was not taught | what the drawing is nearest to |
|---|---|---|
"""


def training_table(readme):
  """The rows about training of the model's README, its last column: [(what, value)]."""
  rows, inside = [], False
  for line in readme.read_text().splitlines():
    cells = [c.strip() for c in line.strip("|").split("|")]
    if line.startswith("| |") and "export" in line:
      inside = True
    elif inside and not line.startswith("|"):
      break
    elif inside and not line.startswith("|-"):
      rows.append((cells[0], cells[-1]))
  return rows


def _share(part, whole):
  return f"{part} of {whole}"


def _groups(world, verdicts):
  """A table of the groups of prompts, and in words what was held out."""
  groups = collections.defaultdict(list)
  for v in verdicts:
    groups[measure.group_of(world, v.prompt)].append(v)
  lines = ["| prompts | count | first 1 | first 5 | background right | mean fit | mean error |",
           "|---|---|---|---|---|---|---|"]
  for name, members in [*groups.items(), ("**all**", verdicts)]:
    s = measure.summary(members)
    lines.append(f"| {name} | {s['count']} | {s['first']} | {s['five']} | {s['background']} | "
                 f"{s['margin']:.2f} | {s['error']:.3f} |")
  return "\n".join(lines)


def _taught(verdicts):
  total = measure.summary(verdicts)
  missing = [v.prompt["prompt"] for v in verdicts if v.rank is None]
  if not missing:
    return "Every prompt asks for something that these weights were taught."
  return (f"{len(missing)} ask for emoji that these weights were not taught: "
          + "; ".join(f'"{p}"' for p in missing)
          + f". They count as misses of {total['count']}; without them the first is right in "
          f"{total['first']} of {total['taught']} and the first five in {total['five']} of "
          f"{total['taught']}.")


WHAT_IS_HELD_OUT = """"Held out" means: training never saw that emoji on that background in any
picture, though it saw the emoji on other colours and the colour behind others; nor that shape or
pair in those colours on that background. **The prompts on white are not held out in this sense:**
training had those pictures. They use the emoji's other names; some have words around them that no
caption had ("an icon of …", "one …, please"), the others may have been captions as they stand.

"""


def _wrong(v):
  """What is wrong with a picture, in words."""
  found = []
  if v.rank is None:
    found.append("was not taught yet")
  elif v.rank != 1:
    found.append(f"nearest to {worlds.words(v.nearest)}")
  if not v.background_right:
    found.append(f"background {v.background} in place of {v.prompt['background']}")
  return "; ".join(found) or "nothing by these measures"


def _table(rows):
  return "".join("| " + " | ".join(str(cell) for cell in row) + " |\n" for row in rows)


def _sweep_row(p):
  return (f"{p['scale']:g}", _share(p["first"], p["count"]), _share(p["five"], p["count"]),
          f"{p['rank']:.2f}", _share(p["background"], p["count"]), f"{p['margin']:.3f}",
          f"{p['nearest']:.3f}", f"{p['error']:.3f}")


def few_steps(plain, distilled, steps):
  """The section on the distilled adapter, from two summaries."""
  rows = _table(
      (name, _share(s["first"], s["count"]), _share(s["five"], s["count"]),
       _share(s["background"], s["count"]), f"{s['margin']:.3f}", f"{s['error']:.3f}")
      for name, s in [(f"no adapter, {steps} PLMS steps, scale {RECOMMENDED_SCALE:g}", plain),
                      (f"`--lora lcm.safetensors`, {DISTILLED_STEPS} LCM steps, scale 1",
                       distilled)])
  return FEW_STEPS + rows


def report(world, results, facts):
  """The whole report as one text."""
  verdicts, settings = results.verdicts, results.settings
  total = measure.summary(verdicts)
  colours, shapes = len(world.colours), len(world.facts["shapes"])
  count, single = len(verdicts), (colours - 1) * shapes
  text = HEAD.format(
      digest=facts["digest"], megabytes=facts["bytes"] / 1e6, emoji=len(world.glyphs),
      colours=colours, shapes=shapes, steps=settings.steps, threads=results.threads,
      s="" if results.threads == 1 else "s", seconds=results.seconds,
      whole_run=results.whole_run, timing_runs=settings.timing_runs, count=count,
      scale=RECOMMENDED_SCALE, groups=_taught(verdicts),
      training=_table([("**training**", ""), *facts["training"]]))
  text += WHAT_IS_HELD_OUT
  text += (f"**The truth is first in {_share(total['first'], count)}, among the first five in "
           f"{_share(total['five'], count)}; the background is right in "
           f"{_share(total['background'], count)}.**\n\n" + _groups(world, verdicts) + "\n\n"
           "Drawn to the left, what was asked for to the right:\n\n"
           "![Held-out prompts](report/held-out.png)\n")
  text += LOOKUP.format(emoji=len(world.glyphs), single=single,
                        pairs=f"{2 * single * (colours - 2) * shapes:,}")
  text += _table((name, _share(s["first"], s["count"]), _share(s["five"], s["count"]),
                  _share(s["background"], s["count"]), f"{s['margin']:.2f}", f"{s['error']:.3f}")
                 for name, s in [*results.calibration, ("drawn", total)])
  text += SWEEP.format(steps=settings.steps) + _table(map(_sweep_row, results.sweep))
  text += SAMPLERS.format(few_steps=few_steps(total, results.distilled, settings.steps), low=settings.scales[0], high=settings.scales[-1],
                          scale=RECOMMENDED_SCALE, worst=len(results.worst), count=count)
  text += _table((v.prompt["prompt"], v.rank or "–",
                  "–" if v.margin is None else f"{v.margin:.2f}", _wrong(v))
                 for v in results.worst)
  text += OUTSIDE + _table((o["prompt"], o["why"],
                            f"{o['nearest'][1]} ({o['nearest'][0]:.3f}), on {o['background']}")
                           for o in results.outside)
  return text
