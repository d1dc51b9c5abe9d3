"""What was found, written down as it comes."""

import json
import time

WORDS = ("passed", "failed", "skipped", "cut", "measured")
LOG_LINES = 20
MOST_LINES = 118  # of report.txt; all logs are in logs.tar.xz


def one_line(check):
  return f"  {check['status']:<8} {check['name']}: {check['text']}"


def verdict(steps, done):
  """The first line, and whether a correctness step failed."""
  failed = [step["name"] for step in steps if step["status"] == "failed" and step["correctness"]]
  if failed:
    return f"FAILED: {', '.join(failed)}", True
  wrong = [step["name"] for step in steps if step["status"] == "failed"]
  if wrong:
    return f"correct; not measured as it should be: {', '.join(wrong)}", False
  return ("nothing failed" if done else "so far nothing failed"), False


def status_of(checks):
  """Of a step by its checks'."""
  found = {check["status"] for check in checks}
  for status in ("failed", "cut", "passed", "measured"):
    if status in found:
      return status
  return "skipped"


class Report:
  """report.txt and report.json, whole after every check."""

  def __init__(self, out, clock=time.monotonic):
    self._out, self._clock, self._begin = out, clock, clock()
    self.facts, self.steps, self.pictures = {}, [], []
    self._done = False

  def begin(self, number, name, correctness):
    self.steps.append({"number": number, "name": name, "correctness": correctness,
                       "status": "skipped", "seconds": 0.0, "checks": []})
    self._step_begin = self._clock()

  def check(self, name, status, text, log=None, **numbers):
    """One result. `numbers` go into the tables."""
    assert status in WORDS, status
    step = self.steps[-1]
    step["checks"].append({"name": name, "status": status, "text": text, "log": log,
                           "numbers": numbers})
    step["status"] = status_of(step["checks"])
    step["seconds"] = round(self._clock() - self._step_begin, 1)
    self.write()

  def picture(self, name, path):
    self.pictures.append((name, str(path)))

  def finish(self):
    self._done = True
    self.write()

  def failed(self):
    return verdict(self.steps, self._done)[1]

  def write(self):
    self._replace("report.json", json.dumps(
        {"facts": self.facts, "seconds": round(self._clock() - self._begin, 1),
         "done": self._done, "steps": self.steps}, indent=1) + "\n")
    self._replace("report.txt", self.text())

  def _replace(self, name, text):
    new = self._out / (name + ".new")
    new.write_text(text)
    new.replace(self._out / name)

  def text(self):
    lines = [verdict(self.steps, self._done)[0], ""]
    lines += [f"{name}: {value}" for name, value in self.facts.items() if value]
    lines += [f"seconds: {self._clock() - self._begin:.0f}", ""]
    for step in self.steps:
      lines.append(f"{step['number']:>2} {step['name']}: {step['status']}, {step['seconds']:.0f} s")
      lines += [one_line(check) for check in step["checks"]]
    if self.pictures:
      lines += ["", "sheet.png, row by row: " + ", ".join(name for name, _ in self.pictures)]
    lines += self._failures(MOST_LINES - len(lines))
    return "\n".join(lines) + "\n"

  def _failures(self, most):
    """The ends of the logs of what failed, as far as there is room."""
    lines = []
    for step in self.steps:
      for check in step["checks"]:
        if check["status"] != "failed" or not check["log"]:
          continue
        end = tail(self._out / "logs" / check["log"])
        if len(lines) + len(end) + 2 > most:
          return lines + ["", "more in logs.tar.xz"]
        lines += ["", f"--- {check['name']}, the end of {check['log']}", *end]
    return lines


def tail(path):
  try:
    text = path.read_text(errors="replace")
  except OSError:
    return []
  lines = [line[:200] for line in text.splitlines() if not line.startswith("frame #")]
  return lines[-LOG_LINES:]
