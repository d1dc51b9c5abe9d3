"""Times OpenVINO on the model that export_openvino.py wrote."""

import pathlib

import numpy
import openvino

import runner

args = runner.arguments()


def load():
    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": args.threads,
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[args.precision],
    }
    file = pathlib.Path(args.model) / f"{args.part}-{args.size}.xml"
    request = core.compile_model(str(file), "CPU", settings).create_infer_request()
    inputs = list(runner.read_inputs(args))
    if args.part == "unet":
        inputs.insert(1, numpy.array(runner.TIME, dtype=numpy.int64))
    return lambda: request.infer(dict(enumerate(inputs)))[0]


runner.measure(args, load)
