"""Runs the C++ program and reads the pictures that it drew."""

import hashlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

import numpy as np
from PIL import Image


def _processor_seconds():
  used = resource.getrusage(resource.RUSAGE_CHILDREN)
  return used.ru_utime + used.ru_stime


def _listing(lines):
  return "".join(json.dumps(line) + "\n" for line in lines)


class Program:
  """The program with the built-in model; `folder` keeps what it drew, for a run that goes on."""

  def __init__(self, path, model, folder, threads):
    self._path, self._model, self._folder = path, model, pathlib.Path(folder)
    self.threads = threads
    self.adapter = pathlib.Path(model).parent / "lcm.safetensors"

  def adapter_digest(self):
    return hashlib.sha256(self.adapter.read_bytes()).hexdigest()[:12]

  def _call(self, command, arguments):
    done = subprocess.run([self._path, command, "--ckpt", self._model, "--safety", "off",
                           "--skip_grid", "--n_iter", "1", "--threads", str(self.threads),
                           *arguments],
                          capture_output=True, text=True,
                          env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode:
      raise SystemExit(f"{self._path} {command} failed:\n{done.stderr}")

  def _files(self, name, lines):
    return [self._folder / name / f"samples/{i:05d}.png" for i in range(len(lines))]

  def is_drawn(self, name, lines):
    """Whether just these lines were drawn under that name, to the end."""
    prompts = self._folder / name / "prompts.jsonl"
    return (prompts.exists() and prompts.read_text() == _listing(lines)
            and (self._folder / name / "seconds").exists()
            and all(f.exists() for f in self._files(name, lines)))

  def draw(self, name, lines, *arguments, command="txt2img", batch=8):
    """Draws lines (dicts of --from-file's keys) -> bytes [len(lines), 128, 128, 3], in order."""
    folder = self._folder / name
    prompts, files = folder / "prompts.jsonl", self._files(name, lines)
    if not self.is_drawn(name, lines):
      shutil.rmtree(folder, ignore_errors=True)
      folder.mkdir(parents=True)
      prompts.write_text(_listing(lines))
      size = ["--H", "128", "--W", "128"] if command == "txt2img" else []
      began, spent = time.time(), _processor_seconds()
      self._call(command, ["--from-file", str(prompts), "--outdir", str(folder), "--n_samples",
                           str(batch), "--seed-mode", "image", *size, *arguments])
      (folder / "seconds").write_text(f"{_processor_seconds() - spent}\n")
      print(f"{name}: {len(lines)} pictures in {time.time() - began:.0f} s", flush=True)
    return np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])

  def processor_seconds(self, name):
    """What drawing `name` took of all processors."""
    return float((self._folder / name / "seconds").read_text())

  def output(self, *arguments):
    """What the program says."""
    return subprocess.run([self._path, *arguments], capture_output=True, text=True,
                          check=True).stdout

  def through_autoencoder(self, name, pictures):
    """What the model's autoencoder makes of pictures: img2img with nothing noised away."""
    folder = self._folder / f"{name}-in"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for i, picture in enumerate(pictures):
      path = (folder / f"{i:05d}.png").resolve()
      Image.fromarray(picture).save(path)
      lines.append({"prompt": "", "init_img": str(path), "strength": 0, "seed": i})
    return self.draw(name, lines, command="img2img")

  def seconds_for_one(self, steps, runs):
    """-> seconds of one 128x128 picture alone in its batch, and of a whole run that draws one.

    The first is the difference of a run of three pictures and one of one, so that starting and
    loading do not count; both are the least of `runs` tries.
    """
    one, three = [], []
    for _ in range(runs):
      for count, times in ((1, one), (3, three)):
        folder = self._folder / "timing"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lines = folder / "prompts.txt"
        lines.write_text("a red heart on a blue background\n" * count)
        began = time.time()
        self._call("txt2img", ["--from-file", str(lines), "--outdir", str(folder), "--n_samples",
                               "1", "--H", "128", "--W", "128", "--plms", "--ddim_steps",
                               str(steps)])
        times.append(time.time() - began)
    return (min(three) - min(one)) / 2, min(one)
