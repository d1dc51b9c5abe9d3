"""Step 5: the networks at full size, on weights of no meaning. Without a card: that bench_model runs."""

import bench
import drawing

STEPS = ["--steps", "20", "--repeat", "3"]
# label, part, rows (a picture is two), flags, environment
TIMES = [
    ("UNet, 1 picture, half", "unet", 1, ["--precision", "fp16", *STEPS], {}),
    ("UNet, 3 pictures, half", "unet", 3, ["--precision", "fp16", *STEPS], {}),
    ("UNet, 8 pictures, half", "unet", 8, ["--precision", "fp16", *STEPS], {}),
    ("decoder, 1 picture, half", "decoder", 1, ["--precision", "fp16", "--repeat", "10"], {}),
    ("UNet, 1, half, --kernels aten", "unet", 1, ["--precision", "fp16", "--kernels", "aten", *STEPS],
     {}),
    ("UNet, 1, half, no graphs", "unet", 1, ["--precision", "fp16", "--graphs", "off", *STEPS], {}),
    ("UNet, 1, half, cuDNN attention", "unet", 1,
     ["--precision", "fp16", "--cudnn-attention", "on", *STEPS], {}),
    ("UNet, 1, half, no cuDNN attention", "unet", 1,
     ["--precision", "fp16", "--cudnn-attention", "off", *STEPS], {}),
    ("UNet, 1, half, heuristics B", "unet", 1, ["--precision", "fp16", *STEPS],
     {"TORCH_CUDNN_USE_HEURISTIC_MODE_B": "1"}),
    ("UNet, 1, half, waited for each", "unet", 1, ["--precision", "fp16", "--repeat", "20"], {}),
    ("UNet, 1 picture, bfloat16", "unet", 1, ["--precision", "bf16", *STEPS], {}),
    ("UNet, 1 picture, float32", "unet", 1, ["--precision", "fp32", "--steps", "5"], {}),
]


def check(session):
  if session.card is None:
    session.attempt("bench_model on the processor", on_processor)
  for row in TIMES:
    session.attempt(row[0], time_one, row)


def time_one(session, row):
  label, part, rows, flags, variables = row
  model = drawing.checkpoint(session)
  name = "bench-" + "-".join(label.replace(",", "").split())
  bench.time(session, name, label, part, model, ["--device", "cuda", *flags], 40, rows,
             session.environment.own(**variables))


def on_processor(session):
  demo = session.root / "models/demo"
  bench.time(session, "bench-processor", "bench_model on the processor, built-in model", "unet",
             demo / "model.safetensors",
             ["--config", demo / "model.yaml", "--size", "16", "--steps", "2", "--device", "cpu"])
