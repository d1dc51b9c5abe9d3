"""Runs of our program that draw, and what their events say of time and memory."""

import dataclasses
import re

import machine

PROMPT = "a red heart on a blue background"


@dataclasses.dataclass
class Drawing:
  done: object  # process.Finished
  pictures: list
  notices: list

  @property
  def ok(self):
    return self.done.code == 0 and bool(self.pictures)

  def first_step(self):
    """Seconds from the start to the end of the first step; None where there was none."""
    return next((second for second, event in self.done.events
                 if event.get("stage") == "sample" and event.get("step", 0) >= 1), None)

  def stages(self):
    """Seconds by stage; what comes before the first is "load"."""
    spent, before = {}, 0.0
    for second, event in self.done.events:
      if event.get("event") != "progress":
        continue
      stage = event["stage"] if spent else "load"
      spent[stage] = spent.get(stage, 0.0) + second - before
      before = second
    spent["end"] = self.done.seconds - before
    return spent

  def said(self, pattern):
    """The notices that match."""
    return [text for text in self.notices if re.search(pattern, text)]

  def text(self):
    if not self.ok:
      return self.done.why()
    first = self.first_step()
    return (f"{self.done.seconds:.2f} s" +
            (f", first step after {first:.2f} s" if first is not None else ""))


def draw(session, name, flags, limit, start=(), environment=None):
  """Draws with these flags into a folder of its own. `start`: what comes before the program."""
  folder = session.work / name
  command = [*start, session.kit / "bin/sd", "txt2img", "--prompt", PROMPT, "--skip_grid", "--outdir",
             folder, *flags]
  done = session.run(name, command, limit, environment, with_events=True)
  notices = [event["text"] for _, event in done.events if event.get("event") == "notice"]
  return Drawing(done, sorted((folder / "samples").glob("*.png")), notices)


def checkpoint(session):
  """The full-size one, once it is written. Raises Skipped."""
  session.need_card()
  if session.checkpoint is None:
    raise machine.Skipped("there is no full-size checkpoint")
  code = session.checkpoint.wait(session.deadline.left())
  if code != 0:
    raise machine.Skipped("the full-size checkpoint is not written" +
                          (f" (exit code {code})" if code is not None else ""))
  return session.work / "full.safetensors"
