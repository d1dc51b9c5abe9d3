#!/usr/bin/env python3
"""Draws the loss curves of a training run from its logs: models/demo/curves.png."""

import json

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

import state  # noqa: E402


def read(stage):
  """The stage's log lines; where a resumed run repeated some steps, the later lines count."""
  path = state.STATE_DIR / f"{stage}.jsonl"
  lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
  kept = {}
  for line in lines:
    kept[line["step"], line.get("average")] = line
  return [kept[k] for k in sorted(kept, key=lambda k: (k[0], k[1] or 0))]


def main():
  figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), dpi=80)
  for stage in ("ae", "decoder"):
    lines = read(stage)
    axes[0].plot([x["step"] for x in lines], [x["l1"] for x in lines], label=stage)
  axes[0].set(title="autoencoder: L1 of pictures", xlabel="step", ylim=(0, 0.2))
  axes[0].legend()
  for stage in ("main", "finish"):
    lines = [x for x in read(stage) if "loss" in x]
    axes[1].plot([x["step"] for x in lines], [x["loss"] for x in lines], label=stage, lw=0.8)
  axes[1].set(title="UNet: weighted loss on epsilon", xlabel="step", yscale="log")
  axes[1].legend()
  for stage in ("main", "finish"):
    lines = [x for x in read(stage) if x.get("average") == 0]
    for i, (t, colour) in enumerate(zip((999, 800, 500, 200), ("C0", "C1", "C2", "C3"))):
      axes[2].plot([x["step"] for x in lines], [x["held_out"][i] for x in lines], colour,
                   marker="" if stage == "main" else "x",
                   label=f"t {t}" if stage == "main" else None)
  axes[2].set(title="held-out pairs: error of latent", xlabel="step", yscale="log")
  axes[2].legend()
  figure.tight_layout()
  figure.savefig(state.MODEL_DIR / "curves.png")


if __name__ == "__main__":
  main()
