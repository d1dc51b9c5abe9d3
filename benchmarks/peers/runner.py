"""What the runners of Python programs share: arguments, inputs, timing and their one line of JSON."""

import argparse
import json
import pathlib
import resource
import time

import numpy

TIME = 500  # of the training schedule


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=("unet", "decoder"), required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--size", type=int, default=64, help="height and width of the latent")
    parser.add_argument("--model", required=True, help="the checkpoint, or a folder made of it")
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def read(folder, name, shape):
    return numpy.fromfile(folder / f"{name}.f32", dtype=numpy.float32).reshape(shape)


def read_inputs(args):
    """The UNet's latent, both rows the same, and context; or the decoder's latent."""
    size = args.size
    if args.part == "decoder":
        return (read(args.inputs, "z", (1, 4, size, size)),)
    x = read(args.inputs, "x", (1, 4, size, size))
    return numpy.concatenate([x, x]), read(args.inputs, "context", (2, 77, 768))


def measure(args, load):
    """`load()` returns a function without arguments that computes once and returns an array."""
    begin = time.perf_counter()
    compute = load()
    ready = time.perf_counter() - begin
    seconds, cpu_seconds = [], []
    for _ in range(args.repeat):
        start, cpu_start = time.perf_counter(), time.process_time()
        result = compute()
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
    numpy.asarray(result, dtype=numpy.float32).tofile(args.output)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"ready_s": ready, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak}
    print(json.dumps(result), flush=True)
