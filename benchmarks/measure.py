"""What the measuring scripts share: the machine, a table on disk that grows measurement by
measurement, and running a program that prints one line of JSON."""

import csv
import json
import os
import pathlib
import random
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LATENT_CHANNELS, TOKENS, WIDTH = 4, 77, 768


class Failed(Exception):
    """A program that did not do what it was to do; says which and what it printed last."""


def run(command, threads=None, **options):
    """Its stdout. `threads` bounds OpenMP's."""
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    words = [str(word) for word in command]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def last_json(text):
    """The last line that is a JSON object: libraries print, too."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    return json.loads(lines[-1])


def timed(command, threads):
    """What the program says of itself, and how busy the machine was when it started."""
    load = os.getloadavg()[0]
    said = last_json(run(command, threads))
    best = min(said["seconds"])
    return {
        "best_s": round(best, 4),
        "cpu_s": round(min(said["cpu_seconds"]), 4),
        "load_s": round(said["ready_s"] + said["seconds"][0] - best, 3),
        "peak_mb": round(said["peak_bytes"] / 1e6),
        "machine_load": round(load, 2),
    }


class Table:
    """Rows of a CSV file, each written as soon as it is measured: a run that is stopped goes on where
    it was."""

    def __init__(self, path, keys, columns):
        self.path, self.keys, self.columns = pathlib.Path(path), keys, keys + columns
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.rows = read_rows(self.path)

    def has(self, **key):
        wanted = {name: str(value) for name, value in key.items()}
        return any(all(row[name] == wanted[name] for name in self.keys) for row in self.rows)

    def add(self, **row):
        row = {name: str(row.get(name, "")) for name in self.columns}
        self.rows.append(row)
        new = not self.path.exists()
        with open(self.path, "a", newline="") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items() if value != ""))
        sys.stdout.flush()


def read_rows(path):
    if not pathlib.Path(path).exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def build(folder, *targets):
    """Builds our programs; `folder` is a build folder, configured or not."""
    run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DSD_BENCHMARKS=ON"])
    run(["cmake", "--build", folder, "--target", *targets])


def random_model(sd, path):
    """A checkpoint of Stable Diffusion v1's layout, made unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run([sd, "random-checkpoint", path])
    return path


def random_inputs(folder, rows=1, size=64):
    """x.f32, context.f32 and z.f32, standard normal, the same at every call."""
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(42)
    latent = LATENT_CHANNELS * size * size
    counts = {"x": rows * latent, "context": 2 * rows * TOKENS * WIDTH, "z": latent}
    for name, count in counts.items():
        values = (source.gauss(0, 1) for _ in range(count))
        (folder / f"{name}.f32").write_bytes(struct.pack(f"<{count}f", *values))
    return folder


def machine(peak_program, thread_counts):
    """Name and numbers of the processor, with the multiply-adds that it does at most."""
    name, flags = "unknown", []
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        if key.strip() == "flags":
            flags = value.split()
    known = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    peaks = {n: json.loads(run([peak_program, n])) for n in thread_counts}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": name,
        "cpus": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "isa": [flag for flag in known if flag in flags],
        "peak_gflops": {str(n): peak["gflops"] for n, peak in peaks.items()},
    }
