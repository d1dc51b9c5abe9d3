"""One run of all steps."""

import dataclasses
import json
import pathlib
import shutil
import sys
import tarfile
import tempfile
import traceback

import deadline
import machine
import png
import process
import report
import steps_list


@dataclasses.dataclass
class Session:
  """What every step uses."""

  root: pathlib.Path
  kit: pathlib.Path
  work: pathlib.Path  # for files that nobody keeps
  out: pathlib.Path
  torch: pathlib.Path
  environment: machine.Environment
  report: report.Report
  deadline: deadline.Deadline
  devices: dict = dataclasses.field(default_factory=dict)  # `sd devices --json`
  checkpoint: object = None  # process.Background that writes the full-size one
  step: int = 0

  @property
  def card(self):
    """The first card that can be used, or None."""
    cuda = self.devices.get("cuda", {})
    return cuda["devices"][0] if cuda.get("devices") and not cuda.get("why_not") else None

  def need_card(self):
    if self.card is None:
      why = self.devices.get("cuda", {}).get("why_not")
      raise machine.Skipped("no card: " + (why or "not looked for"))

  def program(self, name):
    path = self.kit / name
    if not path.exists():
      raise machine.Skipped(f"{name} is not in the kit")
    return path

  def log(self, name):
    return f"{self.step:02}-{name}.txt"

  def run(self, name, command, limit, environment=None, with_events=False):
    """Runs it for at most so many seconds and what is left of the step."""
    log = self.log(name)
    done = process.run(command, self.out / "logs" / log, min(limit, self.deadline.left()),
                       environment or self.environment.own(), with_events)
    done.log = log
    return done

  def check(self, name, good, text, log=None, **numbers):
    self.report.check(name, "passed" if good else "failed", text, log, **numbers)

  def measured(self, name, text, log=None, **numbers):
    self.report.check(name, "measured", text, log, **numbers)

  def attempt(self, name, function, *arguments):
    """One part of a step; where it cannot be done, the others still are."""
    if self.deadline.left() < 1:
      self.report.check(name, "cut", "no time was left for it")
      return
    try:
      function(self, *arguments)
    except machine.Skipped as reason:
      self.report.check(name, "skipped", str(reason))
    except Exception as problem:  # a fault of the check itself must not hide the other results
      (self.out / "logs" / self.log("trace")).write_text(traceback.format_exc())
      self.report.check(name, "failed", f"{type(problem).__name__}: {problem}", self.log("trace"))


def unpack(archive, root, kit):
  if not archive.exists():
    raise machine.Unfit(f"{archive} is not there: scripts/card_check pack makes it")
  safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
  with tarfile.open(archive) as tar:
    tar.extractall(kit, **safely)
  data = kit / "share/stable-diffusion"
  for name in ("configs", "models"):
    (data / name).symlink_to(root / name)


def work_folder():
  """In memory where there is room for the full-size checkpoint, else where temporary files are."""
  for folder in ("/dev/shm", tempfile.gettempdir()):
    try:
      if shutil.disk_usage(folder).free > 8e9:
        return tempfile.mkdtemp(prefix="card_check.", dir=folder)
    except OSError:
      pass
  return tempfile.mkdtemp(prefix="card_check.")


def start(root, arguments, kit, work):
  torch = machine.find_torch(root, arguments.torch)
  unpack(arguments.kit, root, kit)
  out = arguments.out.resolve()
  shutil.rmtree(out / "logs", ignore_errors=True)
  (out / "logs").mkdir(parents=True)
  made = Session(root, kit, work, out, torch,
                 machine.Environment(kit, torch, card=not arguments.without_card),
                 report.Report(out), deadline.Deadline(arguments.seconds))
  made.report.facts.update(machine.facts())
  made.report.facts["torch"] = f"{torch} {' '.join(machine.torch_version(torch))}"
  made.report.facts["kit"] = json.loads((kit / "kit.json").read_text())["commit"]
  return made


def do_step(session, step):
  session.step = step.number
  session.report.begin(step.number, step.name, step.correctness)
  session.deadline.begin_step(step.seconds)
  session.attempt(step.name, step.check)
  print(f"{session.deadline.elapsed():5.0f} s  {step.number:>2} {step.name}: "
        f"{session.report.steps[-1]['status']}", flush=True)


def finish(session):
  """The sheet, the packed logs, the last line."""
  if session.checkpoint:
    session.checkpoint.stop()
  pictures = [pathlib.Path(path) for _, path in session.report.pictures]
  png.sheet(session.out / "sheet.png", pictures)
  session.report.finish()
  with tarfile.open(session.out / "logs.tar.xz", "w:xz") as tar:
    tar.add(session.out / "logs", arcname="logs")
  shutil.rmtree(session.out / "logs")
  print((session.out / "report.txt").read_text().splitlines()[0])


def run(root, arguments):
  try:
    chosen = deadline.numbers(arguments.steps, len(steps_list.STEPS))
  except ValueError as problem:
    print(f"error: --steps: {problem}", file=sys.stderr)
    return 2
  work = pathlib.Path(work_folder())
  try:
    session = start(root, arguments, work / "kit", work)
    for step in steps_list.STEPS:
      if step.number == 1 or step.number in chosen:  # the others need what the first finds
        do_step(session, step)
    finish(session)
    return 1 if session.report.failed() else 0
  finally:
    shutil.rmtree(work, ignore_errors=True)
