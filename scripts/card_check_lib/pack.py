"""Makes the one archive that another machine needs beside this folder."""

import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

import machine

# The archive with all files that git tracks: what travels to the other machine, in bytes.
MOST = 60_000_000
# place in the kit: (target, file in the build folder)
PROGRAMS = {"bin/sd": ("program", "src/sd"), "bin/cuda": ("cuda", "tests/cuda/cuda"),
            "bin/bench_model": ("bench_model", "benchmarks/bench_model"),
            "lib/libsd_cuda.so": ("sd_cuda", "src/libsd_cuda.so")}
REFERENCES = ["cases/" + name for name in (
    "t02-ddim20-eta0-iter2", "t04-dpm20-128x64", "t30-trace-ddim5", "t31-trace-plms7",
    "t32-trace-dpm6", "i08-rngcpu")] + ["ckpt/sd-tiny.ckpt", "inputs"]


def pack(root, arguments):
  build = arguments.build.resolve()
  if not arguments.as_built:
    compile_all(root, build)
  if not (build / "src/sd").exists():
    raise machine.Unfit(f"{build}/src/sd is not built; leave --as-built out")
  with tempfile.TemporaryDirectory() as folder:
    kit = pathlib.Path(folder) / "kit"
    lacking = fill(root, build, kit, arguments)
    write_archive(kit, arguments.kit, fast=arguments.as_built)
  for name in lacking:
    print(f"left out, not built: {name}")
  return say_sum(root, arguments)


def compile_all(root, build):
  options = ["-DSD_TESTS=ON", "-DSD_BENCHMARKS=ON", "-DSD_UNITY=ON", "-DCMAKE_BUILD_TYPE=Release"]
  subprocess.run(["cmake", "-S", root, "-B", build, "-G", "Ninja", "-DSD_CUDA=ON", *options],
                 check=True, stdout=subprocess.DEVNULL)
  targets = sorted({target for target, _ in PROGRAMS.values()})
  subprocess.run(["cmake", "--build", build, "--target", *targets], check=True)


def fill(root, build, kit, arguments):
  """Lays the kit out; returns the programs that are not built."""
  lacking = [place for place, (_, file) in PROGRAMS.items() if not (build / file).exists()]
  for place, (_, file) in PROGRAMS.items():
    if place not in lacking:
      (kit / place).parent.mkdir(parents=True, exist_ok=True)
      shutil.copy2(build / file, kit / place)
  (kit / "lib").mkdir(exist_ok=True)
  for program in (kit / "bin").iterdir():
    subprocess.run([root / "scripts/copy_libraries", program, kit / "lib"], check=True,
                   stdout=subprocess.DEVNULL)
  for file in [*(kit / "bin").iterdir(), *(kit / "lib").iterdir()]:
    subprocess.run(["strip", "--strip-unneeded", file], check=True)
  shutil.copytree(build / "share/stable-diffusion/tokenizer",
                  kit / "share/stable-diffusion/tokenizer")
  if arguments.with_references:
    copy_references(root, kit / "reference")
  if arguments.with_diffusers:
    copy_diffusers(root, kit / "python")
  commit = machine.first_line("git", "-C", str(root), "describe", "--always", "--dirty")
  (kit / "kit.json").write_text(json.dumps({"commit": commit, "torch": machine.TORCH,
                                            "left_out": lacking}) + "\n")
  return lacking


def copy_references(root, to):
  source = root.parent / "shared/reference"
  if not source.is_dir():
    raise machine.Unfit(f"the reference's outputs are not at {source}")
  for name in REFERENCES:
    if (source / name).is_dir():
      shutil.copytree(source / name, to / name)
    elif (source / name).exists():
      (to / name).parent.mkdir(parents=True, exist_ok=True)
      shutil.copy2(source / name, to / name)


def copy_diffusers(root, to):
  """That of the pin which benchmarks/peers has, and what a torch of pip's does not bring."""
  pins = (root / "benchmarks/peers/requirements.txt").read_text()
  wanted = [*re.findall(r"^diffusers==\S+", pins, re.MULTILINE), "importlib_metadata"]
  to.mkdir(parents=True)
  subprocess.run(["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--no-deps",
                  "--disable-pip-version-check", "--only-binary=:all:", "--dest", to, *wanted],
                 check=True)


def write_archive(kit, archive, fast):
  archive.parent.mkdir(parents=True, exist_ok=True)
  if archive.parent.name == ".card":  # it travels whole
    for other in archive.parent.iterdir():
      other.unlink()
  new = archive.with_name(archive.name + ".new")
  with tarfile.open(new, "w:xz", preset=0 if fast else 9) as tar:
    for path in sorted(kit.rglob("*")):
      if not path.is_dir() or not any(path.iterdir()):
        tar.add(path, arcname=str(path.relative_to(kit)), recursive=False, filter=nobodys)
  new.replace(archive)


def nobodys(entry):
  entry.uid = entry.gid = 0
  entry.uname = entry.gname = ""
  return entry


def tracked_bytes(root):
  """Of the files that git tracks; 0 outside of git."""
  listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True).stdout
  paths = [root / name.decode() for name in listed.split(b"\0") if name]
  return sum(path.stat().st_size for path in paths if path.is_file())


def say_sum(root, arguments):
  size, tracked = arguments.kit.stat().st_size, tracked_bytes(root)
  extras = arguments.with_references or arguments.with_diffusers
  print(f"{arguments.kit}: {size / 1e6:.1f} MB; with what git tracks, the built-in model in it, "
        f"{(size + tracked) / 1e6:.1f} MB" + ("" if extras else f" of {MOST / 1e6:.0f}"))
  return 0 if extras or size + tracked <= MOST else 1
