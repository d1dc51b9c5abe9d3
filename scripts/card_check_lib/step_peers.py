"""Step 10: diffusers' UNet and decoder, compiled, beside ours in turns."""

import importlib.util
import json
import sys
import zipfile

import bench
import drawing
import machine

REPEAT = ["--repeat", "20", "--precision", "fp16", "--device", "cuda"]


def check(session):
  session.need_card()
  model, path = drawing.checkpoint(session), python_path(session)
  for part in ("unet", "decoder"):
    session.attempt(f"{part}, ours", ours, part, model)
    session.attempt(f"{part}, diffusers", theirs, part, model, path)
    session.attempt(f"{part}, ours again", ours, part, model)


def python_path(session):
  """Where diffusers is, beside what Python has. Raises Skipped."""
  if importlib.util.find_spec("torch") is None:
    raise machine.Skipped("Python has no torch")
  wheels = sorted((session.kit / "python").glob("*.whl"))
  if not wheels and importlib.util.find_spec("diffusers") is None:
    raise machine.Skipped("diffusers is not here (pack --with-diffusers)")
  folder = session.work / "python"
  for wheel in wheels:
    zipfile.ZipFile(wheel).extractall(folder)
  return folder


def ours(session, part, model):
  bench.time(session, f"ours-{part}", f"{part}, ours, half", part, model, REPEAT)


def theirs(session, part, model, path):
  script = session.root / "benchmarks/peers/run_diffusers.py"
  done = session.run(f"diffusers-{part}", [
      sys.executable, script, "--part", part, "--model", model, "--inputs", bench.inputs(session, 1),
      "--output", session.work / "theirs.f32", "--threads", "4", *REPEAT], 110,
      session.environment.plain(PYTHONPATH=str(path)))
  lines = [line for line in done.text.splitlines() if line.startswith("{")]
  if done.code != 0 or not lines:
    session.check(f"{part}, diffusers", False, done.why(), done.log)
    return
  result = json.loads(lines[-1])
  session.measured(f"{part}, diffusers compiled, half",
                   f"{1000 * min(result['seconds']):.2f} ms; ready after "
                   f"{result['ready_s'] + result['seconds'][0]:.0f} s", done.log,
                   ms=1000 * min(result["seconds"]))
  say_difference(session, part)


def say_difference(session, part):
  """Ours read the same inputs."""
  mine, others = bench.read(session.work / f"{part}.f32"), bench.read(session.work / "theirs.f32")
  if len(mine) != len(others):
    session.measured(f"{part}, difference", f"{len(mine)} values beside {len(others)}")
    return
  apart = max(abs(a - b) for a, b in zip(mine, others))
  session.measured(f"{part}, difference", f"{apart:.3g} at most, of values up to "
                   f"{max(map(abs, mine)):.3g}", None, difference=apart)
