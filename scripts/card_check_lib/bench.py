"""Runs of bench_model."""

import array
import json
import random
import struct

TOKENS, WIDTH, CHANNELS = 77, 768, 4
MOST_ROWS, SIDE = 8, 64


def inputs(session, rows=MOST_ROWS):
  """The folder of the inputs, standard normal, made at the first call. Ours read their beginning
  where they want fewer rows."""
  folder = session.work / f"inputs-{rows}"
  if not folder.exists():
    folder.mkdir()
    source, latent = random.Random(42), CHANNELS * SIDE * SIDE
    context = [source.gauss(0, 1) for _ in range(2 * TOKENS * WIDTH)]
    counts = {"z": latent, "x": rows * latent}
    for name, count in counts.items():
      write(folder / f"{name}.f32", [source.gauss(0, 1) for _ in range(count)])
    write(folder / "context.f32", context * rows)
  return folder


def write(path, values):
  path.write_bytes(struct.pack(f"<{len(values)}f", *values))


def read(path):
  return array.array("f", path.read_bytes())


def command(session, part, model, more):
  return [session.program("bin/bench_model"), "--part", part, "--model", model, "--inputs",
          inputs(session), "--output", session.work / f"{part}.f32", *more]


def seconds(done):
  """The best evaluation of a run; None where its line is not there."""
  lines = [line for line in done.text.splitlines() if line.startswith("{")]
  return min(json.loads(lines[-1])["seconds"]) if lines and done.code == 0 else None


def time(session, name, label, part, model, more, limit=40, rows=1, environment=None):
  """One line of the report, and the seconds of an evaluation."""
  done = session.run(name, command(session, part, model, ["--rows", rows, *more]), limit, environment)
  best = seconds(done)
  if best is None:
    session.check(label, False, done.why(), done.log)
    return None
  per_second = f", {rows / best:.1f} pictures' steps a second" if part == "unet" else ""
  session.measured(label, f"{1000 * best:.2f} ms{per_second}", done.log, ms=1000 * best, rows=rows)
  return best
