"""Run state that survives a kill: atomic checkpoints, a stop flag, a loss log."""

import fcntl
import json
import os
import pathlib
import signal
import time

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE_DIR = pathlib.Path(os.environ.get("DEMO_STATE_DIR", ROOT / ".train_demo"))
MODEL_DIR = ROOT / "models" / "demo"
SAVE_EVERY_S = 240.0


class StopFlag:
  """Turns SIGINT and SIGTERM into a flag that the training loops look at between two steps."""

  def __init__(self):
    self.raised = False
    for number in (signal.SIGINT, signal.SIGTERM):
      signal.signal(number, self._raise)

  def _raise(self, *_):
    self.raised = True


def save_atomic(obj, path):
  """Writes beside the target, then renames: a kill leaves the old file or the new one."""
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_suffix(path.suffix + ".tmp")
  torch.save(obj, temporary)
  os.replace(temporary, path)


def load(path):
  return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def lock(stage):
  """Keeps a second process from training the same stage; hold the result while training."""
  STATE_DIR.mkdir(parents=True, exist_ok=True)
  held = open(STATE_DIR / f"{stage}.lock", "w")
  try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except OSError:
    raise SystemExit(f"another process is training the stage '{stage}'") from None
  return held


class Log:
  """Appends one JSON line a report to a file of the stage, and a short line to stdout."""

  def __init__(self, stage):
    STATE_DIR.mkdir(parents=True, exist_ok=True)
    self._stage = stage
    self._file = open(STATE_DIR / f"{stage}.jsonl", "a", buffering=1)

  def __call__(self, **values):
    self._file.write(json.dumps({"time": round(time.time()), **values}) + "\n")
    text = " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
                    for k, v in values.items())
    print(f"{time.strftime('%H:%M:%S')} {self._stage}: {text}", flush=True)
