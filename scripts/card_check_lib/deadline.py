"""How long all of it and each step may take."""

import time


class Deadline:
  """Seconds that are left: of all, and of the step in progress."""

  def __init__(self, seconds, clock=time.monotonic):
    self._clock = clock
    self._begin = clock()
    self._end = self._begin + seconds
    self._step_end = self._end

  def begin_step(self, seconds):
    self._step_end = min(self._clock() + seconds, self._end)

  def elapsed(self):
    return self._clock() - self._begin

  def left(self):
    """Of the step in progress."""
    return max(0.0, self._step_end - self._clock())

  def left_of_all(self):
    return max(0.0, self._end - self._clock())


def numbers(text, most):
  """The steps that "1-3,7" names, in order. Raises ValueError for what is no such list."""
  chosen = set()
  for part in text.split(","):
    first, dash, last = part.partition("-")
    begin, end = int(first), int(last) if dash else int(first)
    if not 1 <= begin <= end <= most:
      raise ValueError(f"steps are 1 to {most}, not {part}")
    chosen.update(range(begin, end + 1))
  return sorted(chosen)
