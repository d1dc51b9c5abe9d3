"""The drawings of the report: each function draws, measures and saves its pictures."""

import dataclasses

import numpy as np

import measure
import sheets
import world as worlds

RECOMMENDED_SCALE = 3.0
FIRST_SEED = 1000  # prompt k of the held-out ones has this seed plus k, at every scale
SWEEP_SHOWN = 8  # prompts of the sweep's contact sheet
FAILURES_SHOWN = 8
SAMPLERS = (("DDIM", {}), ("PLMS", {"plms": True}), ("DPM-Solver++", {"dpm_solver": True}))
DISTILLED_STEPS = 4
SAMPLER_PROMPTS = ("a red heart on a blue background", "a panda on a yellow background")
# Prompts at the edge of what was taught and beyond, and what of them was not.
OUTSIDE = (
    ("a photograph of an astronaut riding a horse", "no astronauts, no riding, no photographs"),
    ("two cats", "always one emoji a picture; the word \"two\" is unknown"),
    ("a cat and a dog", "only shapes came in pairs"),
    ("a gray circle above a brown square", "nothing new: a pair like those taught, in the two hardest colours"),
    ("three red circles", "no counting"),
    ("a small red circle in a large blue square", "no sizes, no shape inside another"),
    ("a green dog", "colours are of backgrounds and shapes; a dog has its own"),
    ("a heart on a striped background", "backgrounds of one colour only"),
)


@dataclasses.dataclass
class Settings:
  """`every`: one in so many prompts is drawn; the other numbers are the report's own."""

  every: int
  steps: int
  scales: tuple
  sampler_steps: tuple
  timing_runs: int


@dataclasses.dataclass
class Results:
  """What the report is written from."""

  settings: Settings
  threads: int
  verdicts: list  # at the recommended scale
  calibration: list
  sweep: list  # dicts: scale and a summary
  worst: list
  outside: list  # dicts: prompt, why (it cannot be drawn), nearest (distance, words), background
  seconds: float  # of one picture
  whole_run: float  # seconds of a run that draws one
  distilled: dict  # the summary with the adapter, in DISTILLED_STEPS steps


def _draw_prompts(program, name, prompts, seeds, scale, steps):
  lines = [{"prompt": p, "seed": s, "scale": scale, "plms": True, "ddim_steps": steps}
           for p, s in zip(prompts, seeds)]
  return program.draw(f"{name}-scale-{scale:g}-steps-{steps}", lines)


def sweep(world, program, settings, prompts, seeds, folder):
  """All prompts at every scale -> {scale: verdicts}; draws the figure and a contact sheet."""
  texts = [p["prompt"] for p in prompts]
  found = {scale: measure.judge_all(world, prompts, _draw_prompts(program, "held-out", texts, seeds,
                                                                  scale, settings.steps))
           for scale in settings.scales}
  points = [{"scale": s, **measure.summary(v)} for s, v in found.items()]
  sheets.plot_sweep(folder / "guidance.png", points, settings.steps)
  shown = range(0, len(prompts), max(1, len(prompts) // SWEEP_SHOWN))
  sheets.save(folder / "guidance-pictures.png",
              [[[v[i].picture] for i in shown] for v in found.values()], 80,
              row_labels=[f"{s:g}" for s in found], label_width=28)
  return found, points


def distilled(world, program, prompts, seeds):
  """The summary of all prompts, drawn with the distilled adapter in few LCM steps at scale 1."""
  lines = [{"prompt": p["prompt"], "seed": s, "scale": 1, "sampler": "lcm",
            "ddim_steps": DISTILLED_STEPS} for p, s in zip(prompts, seeds)]
  pictures = program.draw(f"distilled-{program.adapter_digest()}", lines, "--lora",
                          str(program.adapter))
  return measure.summary(measure.judge_all(world, prompts, pictures))


def held_out_sheet(world, verdicts, folder):
  """Every drawn picture with the rendered truth to its right, 8 a row."""
  cells = [[v.picture, world.render_truth(v.prompt)] for v in verdicts]
  sheets.save(folder / "held-out.png", [cells[i : i + 8] for i in range(0, len(cells), 8)], 64,
              groups=2)


def samplers(program, settings, folder):
  """Both prompts with each sampler and number of steps, as one sheet."""
  lines = [{"prompt": prompt, "seed": 7, "scale": RECOMMENDED_SCALE, "ddim_steps": steps, **flags}
           for _, flags in SAMPLERS for steps in settings.sampler_steps
           for prompt in SAMPLER_PROMPTS]
  pictures = program.draw(f"samplers-{max(settings.sampler_steps)}", lines, batch=2)
  columns = len(settings.sampler_steps)
  rows = pictures.reshape(len(SAMPLERS), columns, len(SAMPLER_PROMPTS), *pictures.shape[1:])
  sheets.save(folder / "samplers.png", [[list(cell) for cell in row] for row in rows], 96,
              row_labels=[name.replace("-", "-\n") for name, _ in SAMPLERS],
              column_labels=[f"{n} steps" for n in settings.sampler_steps], label_width=64,
              groups=len(SAMPLER_PROMPTS))


def failures(world, verdicts, folder):
  """The verdicts that fit their words least; a sheet of drawn, truth, and nearest where wrong."""
  def fit(v):
    return (v.rank is not None, v.background_right and v.rank == 1,
            -np.inf if v.margin is None else v.margin)

  worst = sorted(verdicts, key=fit)[:FAILURES_SHOWN]
  cells = []
  for v in worst:
    colour = world.colours[v.background]
    nearest = world.render(world.kind(v.prompt), v.nearest, colour)
    cells.append([v.picture, world.render_truth(v.prompt), nearest if v.rank != 1 else None])
  sheets.save(folder / "failures.png", [cells[i : i + 4] for i in range(0, len(cells), 4)], 80,
              groups=3)
  return worst


def outside(world, program, settings, folder):
  """The prompts beyond what was taught, with what the pictures look most like."""
  pictures = _draw_prompts(program, "outside", [p for p, _ in OUTSIDE],
                           [FIRST_SEED + 500 + i for i in range(len(OUTSIDE))],
                           RECOMMENDED_SCALE, settings.steps)
  found = []
  for (prompt, why), picture in zip(OUTSIDE, pictures):
    looks = [(float(distances[0]), worlds.words(names[0]))
             for names, distances in (world.lookup(picture, kind)
                                      for kind in ("emoji", "shape", "beside"))]
    background = world.nearest_colour(worlds.border_colour(picture))
    found.append({"prompt": prompt, "why": why, "nearest": min(looks), "background": background})
  sheets.save(folder / "outside.png", [[[p] for p in pictures]], 112)
  return found


def run(world, program, settings, folder):
  """Draws everything; pictures of the report go into `folder`."""
  everything = world.facts["held_out_prompts"]
  prompts = everything[:: settings.every]
  seeds = [FIRST_SEED + i for i in range(0, len(everything), settings.every)]
  found, points = sweep(world, program, settings, prompts, seeds, folder)
  verdicts = found[RECOMMENDED_SCALE]
  held_out_sheet(world, verdicts, folder)
  taught = [v.prompt for v in verdicts if v.rank is not None]
  rendered = np.stack([world.render_truth(p) for p in taught])
  decoded = program.through_autoencoder(f"autoencoder-{len(taught)}", rendered)
  drawn = np.stack([v.picture for v in verdicts if v.rank is not None])
  samplers(program, settings, folder)
  seconds, whole_run = program.seconds_for_one(settings.steps, settings.timing_runs)
  return Results(settings=settings, threads=program.threads, verdicts=verdicts,
                 calibration=measure.calibration(world, taught, rendered, decoded, drawn),
                 sweep=points, worst=failures(world, verdicts, folder),
                 outside=outside(world, program, settings, folder), seconds=seconds,
                 whole_run=whole_run, distilled=distilled(world, program, prompts, seeds))
