"""Programs that are run under a limit, with a log of each."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import threading
import time

TIMED_OUT = 124


@dataclasses.dataclass
class Finished:
  code: int
  seconds: float
  text: str  # what it wrote to both of its outputs
  log: str  # the log's name
  events: list = dataclasses.field(default_factory=list)  # (second, event), of --progress-fd

  @property
  def timed_out(self):
    return self.code == TIMED_OUT

  def why(self):
    """For a line of the report, where the exit code is not 0."""
    if self.timed_out:
      return f"took longer than {self.seconds:.0f} s"
    lines = [line for line in self.text.splitlines() if line.strip()] or ["it said nothing"]
    errors = [line for line in lines if re.match(r"error: |\s*what\(\):", line)]
    return f"exit code {self.code}: {(errors or lines)[-1].strip()[:200]}"


def _read_events(descriptor, begin, events):
  with os.fdopen(descriptor, "r", errors="replace") as stream:
    for line in stream:
      try:
        events.append((time.monotonic() - begin, json.loads(line)))
      except ValueError:
        pass


def _wait(process, limit):
  """The exit code. At the limit the program is ended with all that it started."""
  try:
    return process.wait(timeout=max(limit, 0.1))
  except subprocess.TimeoutExpired:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return TIMED_OUT


def run(command, log, limit, environment=None, with_events=False):
  """Runs the command for at most `limit` seconds; its outputs go to the file `log`. With events it gets
  `--progress-fd` and a descriptor for them."""
  command = [str(part) for part in command]
  begin, events, reader, pipe = time.monotonic(), [], None, ()
  if with_events:
    readable, writable = os.pipe()
    pipe = (writable,)
    command += ["--progress-fd", str(writable)]
    reader = threading.Thread(target=_read_events, args=(readable, begin, events), daemon=True)
    reader.start()
  with open(log, "ab") as file:
    file.write(("$ " + " ".join(command) + "\n").encode())
    file.flush()
    start = file.tell()
    try:
      process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                 env=environment, pass_fds=pipe, start_new_session=True)
    except OSError as problem:
      file.write(f"{problem}\n".encode())
      process = None
    for descriptor in pipe:
      os.close(descriptor)
    code = 127 if process is None else _wait(process, limit)
  if reader:
    reader.join(5)
  with open(log, "rb") as file:
    file.seek(start)
    text = file.read().decode(errors="replace")
  return Finished(code, time.monotonic() - begin, text, log.name, events)


class Background:
  """A program that runs meanwhile; its outputs go to files."""

  def __init__(self, command, out, log, environment=None, stdin=subprocess.DEVNULL):
    with open(out, "wb") as stdout, open(log, "ab") as stderr:
      self.process = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=stdout,
                                      stderr=stderr, env=environment, start_new_session=True)

  def wait(self, limit):
    """The exit code, or None where it still runs after that many seconds."""
    try:
      return self.process.wait(timeout=max(limit, 0.1))
    except subprocess.TimeoutExpired:
      return None

  def stop(self):
    if self.process.poll() is None:
      os.killpg(self.process.pid, signal.SIGKILL)
    self.process.wait()
