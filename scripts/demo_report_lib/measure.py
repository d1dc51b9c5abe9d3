"""What is measured of the drawn pictures."""

import dataclasses

import numpy as np

import world as worlds


@dataclasses.dataclass
class Verdict:
  """One picture judged by its prompt's truth; `rank` counts from 1, None if it was not taught."""

  prompt: dict
  picture: np.ndarray
  rank: int | None
  nearest: object  # the name that the lookup gives first
  nearest_distance: float
  truth_distance: float | None
  margin: float | None  # 1 - distance to the truth / distance to the nearest other
  background: str
  error: float | None  # RMS to the rendered truth on the named background, at 64x64

  @property
  def background_right(self):
    return self.background == self.prompt["background"]


def judge(world, prompt, picture):
  """Looks the picture up among everything of its prompt's kind."""
  names, distances = world.lookup(picture, world.kind(prompt))
  truth, rank, own, margin, error = world.truth(prompt), None, None, None, None
  if truth is not None:
    # A truth that the lookup leaves out (in the background's colour) comes after all others.
    rank = names.index(truth) + 1 if truth in names else len(names) + 1
    rendered = world.render_truth(prompt)
    error = worlds.rms(worlds.shrink(picture, 64), worlds.shrink(rendered, 64))
    if truth in names:
      own = float(distances[rank - 1])
      margin = 1 - own / float(distances[1 if rank == 1 else 0])
  background = world.nearest_colour(worlds.border_colour(picture))
  return Verdict(prompt, picture, rank, names[0], float(distances[0]), own, margin, background,
                 error)


def judge_all(world, prompts, pictures):
  return [judge(world, prompt, picture) for prompt, picture in zip(prompts, pictures)]


def summary(verdicts):
  """Counts and means over verdicts; what was not taught counts as a miss in `first` and `five`."""
  taught = [v for v in verdicts if v.rank is not None]

  def mean(values):
    return float(np.mean(values)) if values else float("nan")

  return {
      "count": len(verdicts), "taught": len(taught),
      "first": sum(v.rank == 1 for v in taught), "five": sum(v.rank <= 5 for v in taught),
      "background": sum(v.background_right for v in verdicts),
      "rank": mean([v.rank for v in taught]),
      "margin": mean([v.margin for v in taught if v.margin is not None]),
      "nearest": mean([v.nearest_distance for v in verdicts]),
      "error": mean([v.error for v in taught])}


def group_of(world, prompt):
  """What was held out of training for this prompt."""
  if prompt["kind"] == "shape":
    return "shape" if len(prompt["items"]) == 1 else "pair of shapes"
  if world.truth(prompt) is None:
    return "emoji not taught yet"
  held_out = prompt["background"] in world.held_out[prompt["concept"]]
  return "emoji on a background held out" if held_out else "emoji on white, other words"


def calibration(world, prompts, rendered, decoded, drawn):
  """Rows (name, summary): what the lookup says of pictures whose truth is known otherwise."""
  count = len(prompts)
  noise = np.random.default_rng(0).integers(0, 256, (count, 128, 128, 3), np.uint8)
  following = prompts[1:] + prompts[:1]
  return [
      ("the rendered truth itself", summary(judge_all(world, prompts, rendered))),
      ("… through the model's autoencoder", summary(judge_all(world, prompts, decoded))),
      ("drawn, judged by the next prompt's truth", summary(judge_all(world, following, drawn))),
      ("noise", summary(judge_all(world, prompts, noise)))]
