"""Step 6: six pictures of 512x512 by the default flags: seconds by stage, the card's memory beside the
plan, and how long it had nothing to do."""

import json
import shutil

import drawing
import process

FLAGS = ["--H", "512", "--W", "512", "--n_samples", "3", "--n_iter", "2", "--device", "cuda:0"]


def check(session):
  session.need_card()
  for name in ("cold", "again"):
    session.attempt(name, whole_run, name)


def whole_run(session, name):
  model = drawing.checkpoint(session)
  watch = start_watch(session, name)
  made = drawing.draw(session, f"whole-{name}", ["--ckpt", model, *FLAGS], 60)
  lines = stop_watch(session, name, watch)
  text = made.text()
  if made.ok:
    text += "; " + ", ".join(f"{stage} {spent:.2f}" for stage, spent in made.stages().items())
  session.check(f"six pictures, {name}", made.ok, text, made.done.log, seconds=made.done.seconds,
                stages=made.stages() if made.ok else {})
  if lines:
    say_memory(session, name, model, lines)


def start_watch(session, name):
  if not shutil.which("nvidia-smi"):
    return None
  return process.Background(
      ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits",
       "--id=0", "--loop-ms=100"], session.work / f"watch-{name}.csv",
      session.out / "logs" / session.log("nvidia-smi"), session.environment.plain())


def stop_watch(session, name, watch):
  """(MiB in use, per cent busy) of every moment."""
  if watch is None:
    return []
  watch.stop()
  text = (session.work / f"watch-{name}.csv").read_text()
  (session.out / "logs" / session.log(f"watch-{name}.csv")).write_text(text)
  return moments(text)


def moments(text):
  found = []
  for line in text.splitlines():
    try:
      memory, busy = (float(value) for value in line.split(","))
      found.append((memory, busy))
    except ValueError:
      pass
  return found


def say_memory(session, name, model, lines):
  peak = max(memory for memory, _ in lines) - lines[0][0]
  idle = sum(busy < 5 for _, busy in lines) / len(lines)
  done = session.run("plan", [session.kit / "bin/sd", "plan", "--json", "--ckpt", model, *FLAGS], 20)
  planned = json.loads(done.text[done.text.index("{"):])["total"] if done.code == 0 else 0
  session.measured(f"memory, {name}",
                   f"{peak * 1048576 / 1e9:.2f} GB at the peak, {planned / 1e9:.2f} GB planned; the "
                   f"card idle in {100 * idle:.0f} % of the moments", done.log, peak_bytes=peak * 1048576,
                   planned_bytes=planned, idle=idle)
