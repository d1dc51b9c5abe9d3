"""Step 8: where the time of one evaluation of the UNet goes, kernel by kernel, by Nsight Compute."""

import csv
import shutil

import bench
import drawing
import machine

METRIC = "gpu__time_duration.sum"
SHOWN = 12


def find(tool):
  """A tool of the CUDA toolkit. Raises Skipped."""
  found = shutil.which(tool) or shutil.which(f"/usr/local/cuda/bin/{tool}")
  if not found:
    raise machine.Skipped(f"{tool} is not installed")
  return found


def check(session):
  session.need_card()
  tool, model, table = find("ncu"), drawing.checkpoint(session), session.work / "ncu.csv"
  command = bench.command(session, "unet", model, [
      "--device", "cuda", "--precision", "fp16", "--graphs", "off", "--repeat", "1"])
  done = session.run("ncu", [tool, "--csv", "--page", "raw", "--metrics", METRIC, "--log-file", table,
                             *command], 60)
  if done.code != 0 or not table.exists():
    session.check("ncu", False, done.why(), done.log)
    return
  text = table.read_text()
  (session.out / "logs" / session.log("ncu.csv")).write_text(text)
  times = by_name(text)
  session.measured("all kernels", f"{sum(us for us, _ in times.values()) / 1000:.2f} ms, "
                   f"{sum(count for _, count in times.values())} launches", done.log)
  for name, (us, count) in sorted(times.items(), key=lambda item: -item[1][0])[:SHOWN]:
    session.measured(name[:60], f"{us:.0f} µs in {count} launches", None, us=us, launches=count)


def by_name(text):
  """{kernel: (µs, launches)} of ncu's table; its second row has the units."""
  lines = [line for line in text.splitlines() if line.startswith('"')]
  rows = list(csv.DictReader(lines))
  if not rows:
    return {}
  scale = {"ns": 1e-3, "nsecond": 1e-3, "us": 1, "usecond": 1, "ms": 1e3, "msecond": 1e3}
  unit = scale.get(rows[0][METRIC], 1e-3)
  times = {}
  for row in rows[1:]:
    us, count = times.get(row["Kernel Name"], (0.0, 0))
    times[row["Kernel Name"]] = (us + float(row[METRIC].replace(",", "")) * unit, count + 1)
  return times
