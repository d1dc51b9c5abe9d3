"""What is on this machine: LibTorch, its versions, the environment of our programs."""

import importlib.util
import os
import pathlib
import re
import subprocess

TORCH = "2.11.0"
CUDA = "13.0"
NO_CUDA = "no CUDA"


class Unfit(Exception):
  """The machine, or the folder, lacks what a command needs."""


def torch_version(folder):
  """("2.11.0", "13.0") of a folder `torch`, as its version.py or what pip lays beside it says. The
  second is "no CUDA" of one for processors only, and empty where that is not known."""
  try:
    text = (folder / "version.py").read_text()
  except OSError:
    described = sorted(folder.parent.glob("torch-*.dist-info"))
    return (described[-1].name.removesuffix(".dist-info").split("-")[1], "") if described else ("", "")
  version = re.search(r"^__version__ = ['\"]([0-9.]+)", text, re.MULTILINE)
  cuda = re.search(r"^cuda\b[^=]*= ['\"]([0-9.]+)", text, re.MULTILINE)
  return (version[1] if version else "", cuda[1] if cuda else NO_CUDA)


def python_torch():
  """The folder of the torch that Python finds, without importing it; or None."""
  spec = importlib.util.find_spec("torch")
  places = list(spec.submodule_search_locations or ()) if spec else []
  return pathlib.Path(places[0]) if places else None


def why_not(folder):
  """Why a torch cannot serve; empty where it can."""
  if not (folder / "lib/libtorch_cpu.so").exists():
    return f"{folder} has no lib/libtorch_cpu.so"
  version, cuda = torch_version(folder)
  if version != TORCH:
    return f"{folder} is torch {version or 'of no known version'}, and {TORCH} is needed"
  if cuda not in ("", CUDA):
    built = "processors only" if cuda == NO_CUDA else f"CUDA {cuda}"
    return f"{folder} is built for {built}, and CUDA {CUDA} is needed"
  return ""


def find_torch(root, named):
  """The first that serves of the one named, Python's, and .deps'. Raises Unfit."""
  candidates = [named] if named else [python_torch(), root / ".deps/site/torch"]
  problems = []
  for folder in filter(None, candidates):
    problem = why_not(folder)
    if not problem:
      return folder.resolve()
    problems.append(problem)
  raise Unfit("no LibTorch serves: " + "; ".join(problems or ["Python finds no torch"]))


def holds(folder, pattern):
  try:
    return any(pathlib.Path(folder).glob(pattern))
  except OSError:
    return False


class Skipped(Exception):
  """What is checked needs something that is not here; the text says what."""


class Environment:
  """The variables under which our programs find their libraries and data."""

  def __init__(self, kit, torch, card):
    self._kit, self._torch = kit, torch
    self._old = [part for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    self._card = card

  def _variables(self, more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SD_")}
    kept["OMP_WAIT_POLICY"] = "passive"
    if not self._card:
      kept["CUDA_VISIBLE_DEVICES"] = ""
    return {**kept, **more}

  def own(self, **more):
    """For our programs. The old search path stays: the driver may be only there."""
    path = ":".join([str(self._kit / "lib"), str(self._torch / "lib"), *self._old])
    return self._variables({"LD_LIBRARY_PATH": path, **more})

  def plain(self, **more):
    """For other programs."""
    return self._variables(more)

  def driver_only(self):
    """A command's beginning and the variables for it: as where nothing but the driver is installed. The
    loader does not look into the system's cache, where a CUDA toolkit's libraries may be."""
    old = [folder for folder in self._old if not holds(folder, "libnvrtc*")]
    path = ":".join([str(self._kit / "lib"), str(self._torch / "lib"), *old])
    loader = ["/lib64/ld-linux-x86-64.so.2", "--inhibit-cache", "--library-path", path]
    variables = self._variables({"SD_DATA_DIR": str(self._kit / "share/stable-diffusion")})
    variables.pop("LD_LIBRARY_PATH", None)
    return loader, variables

  def doubts(self):
    return [f"LD_LIBRARY_PATH has {folder}, which holds a cuDNN: parts of it would be taken"
            for folder in self._old if holds(folder, "libcudnn*")]


def first_line(*command):
  """Of what a command prints; empty where it cannot be run."""
  try:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
  except (OSError, subprocess.SubprocessError):
    return ""
  return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""


def facts():
  """The machine in words."""
  system = re.search(r'^PRETTY_NAME="?([^"\n]*)', _text("/etc/os-release"), re.MULTILINE)
  processor = re.search(r"^model name\s*: (.*)$", _text("/proc/cpuinfo"), re.MULTILINE)
  return {"system": system[1] if system else "", "glibc": os.confstr("CS_GNU_LIBC_VERSION"),
          "processor": processor[1] if processor else "",
          "processors": len(os.sched_getaffinity(0)),
          "card": first_line("nvidia-smi", "--query-gpu=name,driver_version,memory.total",
                             "--format=csv,noheader")}


def _text(path):
  try:
    return pathlib.Path(path).read_text()
  except OSError:
    return ""
