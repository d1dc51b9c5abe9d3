"""Step 7: cards of 10, 6 and 4 GB, by holding the rest of the memory. Each run must end with pictures,
by whichever rung of the ladder, and those of a batch that fits are the same."""

import pathlib
import subprocess
import sys
import time

import drawing
import gtest
import machine
import png
import process

SIZES = (10, 6, 4)  # GB, of 10^9 bytes
RUNS = (("3 of 512x512", ["--H", "512", "--W", "512", "--n_samples", "3", "--ddim_steps", "4"]),
        ("16 of 1024x1024", ["--H", "1024", "--W", "1024", "--n_samples", "16", "--ddim_steps", "2"]))
RUNG = r"at a time|strips|memory ran out|less memory"
MEAN = 2.0  # of 255; strips and shares round otherwise


def check(session):
  session.need_card()
  session.attempt("ThreePicturesOf512By512", test_of_memory)
  session.attempt("with all memory", unlimited)
  for size in SIZES:
    session.attempt(f"{size} GB free", small_card, size)


def test_of_memory(session):
  model = drawing.checkpoint(session)
  gtest.run(session, "three pictures below 10 GB", "CudaMemory.ThreePictures*", 60,
            SD_FULL_CHECKPOINT=str(model))


def flags_of(session, flags):
  return ["--ckpt", drawing.checkpoint(session), "--n_iter", "1", "--device", "cuda:0", *flags]


def unlimited(session):
  made = drawing.draw(session, "small-all", flags_of(session, RUNS[0][1]), 40)
  session.check("3 of 512x512, all memory", made.ok, made.text(), made.done.log)


def small_card(session, size):
  holder = hold(session, size)
  try:
    for label, flags in RUNS:
      small_run(session, size, label, flags)
  finally:
    holder.stop()


def hold(session, size):
  runtime = session.torch.parent / "nvidia/cu13/lib/libcudart.so.13"
  out = session.work / f"hold-{size}.txt"
  holder = process.Background(
      [sys.executable, pathlib.Path(__file__).with_name("hold_memory.py"), runtime,
       int(size * 1e9)], out, session.out / "logs" / session.log("hold"),
      session.environment.plain(), stdin=subprocess.PIPE)
  while not out.read_text().startswith("held"):
    if holder.process.poll() is not None or session.deadline.left() < 1:
      holder.stop()
      raise machine.Skipped("the rest of the memory cannot be held")
    time.sleep(0.1)
  return holder


def small_run(session, size, label, flags):
  name = f"{label}, {size} GB free"
  made = drawing.draw(session, f"small-{size}-{label.split()[0]}", flags_of(session, flags), 40)
  text = made.text() + "".join(f"; {notice}" for notice in made.said(RUNG))
  if made.ok:
    session.report.picture(name, made.pictures[0])
  whole = sorted((session.work / "small-all/samples").glob("*.png"))
  if made.ok and label == RUNS[0][0] and whole:
    mean, _ = png.difference(made.pictures[0], whole[0])
    session.check(name, mean <= MEAN, f"{text}; {mean:.2f} of 255 from that with all memory",
                  made.done.log, mean=mean)
  else:
    session.check(name, made.ok, text, made.done.log)
