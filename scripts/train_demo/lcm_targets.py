"""What the student of the LCM distillation is compared with: two kinds of batches."""

import collections

import torch

import lcm

SEED = 20221105
STAGE = 6  # of the data's random numbers; the other stages have their own
RUNS, POOL = 16, 8  # runs made at a time, and how many such sets are kept
FRESH_SHARE = 0.5  # of a batch: ends with fresh noise
STEPS_A_SET = 25  # training steps for each new set


def _draw(data, step, count):
  """Latents, ids and the generator of a step: they depend on the seed and the step only."""
  latents, ids = data.batch(STAGE, step, count, tier=4)
  return latents, ids, torch.Generator().manual_seed(SEED + step)


class NextSteps:
  """Targets one step of the teacher nearer to the end, answered by the student's average."""

  def __init__(self, model, data, scale, count):
    self._model, self._data, self._scale, self._count = model, data, scale, count

  def batch(self, step, average):
    """-> x, places in TIMES, contexts, targets; average(x, t, context) is the averaged student."""
    latents, ids, generator = _draw(self._data, step, self._count)
    index = torch.randint(len(lcm.TIMES), (self._count,), generator=generator)
    x = lcm.noised(latents, torch.randn(latents.shape, generator=generator), lcm.TIMES[index])
    context = self._model.text(ids)
    nearer, t = lcm.teacher_step(self._model.unet, x, index, context, self._model.empty,
                                 self._scale)
    return x, index, context, lcm.consistency(average, nearer, t, context)


class Ends:
  """Targets that are the ends of the teacher's own runs, from a pool of recent ones.

  Half of the points lie on the runs, where the first step of a drawing is; the other half are the
  ends with fresh noise, as between two steps. Of the first kind alone, the student gets better on
  the runs and worse than no adapter on the second kind. A step costs what one of NextSteps costs,
  and its target does not have to come down from step to step.
  """

  def __init__(self, model, data, scale, count):
    self._model, self._data, self._scale, self._count = model, data, scale, count
    self._pool = collections.deque(maxlen=POOL)

  def _make_runs(self, step):
    _, ids, generator = _draw(self._data, step, RUNS)
    context = self._model.text(ids)
    noise = torch.randn(RUNS, 4, 16, 16, generator=generator)
    points, places, end = lcm.teacher_run(self._model.unet, noise, context, self._model.empty,
                                          self._scale, 1 + step // STEPS_A_SET % 2)
    self._pool.append((points, torch.tensor(places), context, end))

  def batch(self, step, average):
    """-> x, places in TIMES, contexts, targets; `average` is not asked."""
    del average
    if not self._pool or step % STEPS_A_SET == 0:
      self._make_runs(step)
    generator = torch.Generator().manual_seed(SEED + step)
    picks = []
    for _ in range(self._count):
      points, places, context, end = self._pool[_below(len(self._pool), generator)]
      i, run = _below(len(places), generator), _below(RUNS, generator)
      picks.append((points[i, run], places[i], context[run], end[run]))
    x, index, context, end = (torch.stack(column) for column in zip(*picks))
    noise = torch.randn(end.shape, generator=generator)
    fresh = torch.rand(self._count, 1, 1, 1, generator=generator) < FRESH_SHARE
    return torch.where(fresh, lcm.noised(end, noise, lcm.TIMES[index]), x), index, context, end


def _below(limit, generator):
  return int(torch.randint(limit, (), generator=generator))


KINDS = {"ends": Ends, "next-steps": NextSteps}
