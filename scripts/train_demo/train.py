#!/usr/bin/env python3
"""Trains the built-in demo model from nothing to models/demo: one command, resumable.

Run again after Ctrl-C, a kill or a power cut: it goes on from the last state in .train_demo/ (one
every four minutes). The stages are

  ae       the autoencoder on rendered pictures
  latents  the training set through its encoder, once
  text     the text tower alone, briefly
  main     UNet and text tower, at a constant learning rate, for --steps steps
  finish   a copy of the main run's state, its learning rate falling to nearly nothing
  decoder  the autoencoder's decoder alone for longer (the latents do not change)
  export   models/demo/model.safetensors and what belongs to it

With --finish-now the main run is cut where it stands: finish and export follow at once. A later
run without it goes on with the main run as if that had not happened.
"""

import argparse
import os
import sys

import torch

import dataset
import export
import state
import train_autoencoder
import train_unet

# Read by the C library and OpenMP when a process starts: keep big blocks, do not give them back to
# the system at every step, and sleep rather than spin, since other programs may want the cores.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
               "OMP_WAIT_POLICY": "passive",
               "TORCHINDUCTOR_CACHE_DIR": str(state.STATE_DIR / "inductor")}


def _arguments():
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--steps", type=int, default=30000, help="of the main run")
  parser.add_argument("--finish", type=int, default=3000, help="steps of the finishing run")
  parser.add_argument("--finish-now", action="store_true",
                      help="finish and export from the main run's present state")
  parser.add_argument("--new-finish", action="store_true",
                      help="throw an earlier finishing run away and branch again")
  parser.add_argument("--decoder-now", action="store_true", help="the decoder's stage alone")
  parser.add_argument("--export-only", action="store_true")
  parser.add_argument("--tier", type=int, default=0, help="concepts listed by the export")
  parser.add_argument("--threads", type=int, default=1,
                      help="one is best where others work beside: the layers are so small that "
                           "two threads mostly wait for each other")
  parser.add_argument("--compile", action="store_true",
                      help="use torch.compile")
  return parser.parse_args()


def _export(args):
  tier = args.tier or train_unet.tier_at(train_unet.main_state()["step"])
  size = export.export("finish", 0, tier)
  print(f"models/demo/model.safetensors: {size / 1e6:.1f} MB")


def run(args, stop):
  """All stages in order; each returns at once when it was done before, and stops on request."""
  options = {"compiled": args.compile}
  if args.export_only:
    return _export(args)
  if not train_autoencoder.train(stop, **options):
    return None
  if args.decoder_now:
    return train_autoencoder.train(stop, decoder_only=True, **options)
  data = dataset.encode_all(stop)
  if data is None or not train_unet.train_text(stop, data, **options):
    return None
  if not args.finish_now and not train_unet.train(stop, data, args.steps, **options):
    return None
  if args.new_finish:
    (state.STATE_DIR / "finish.pt").unlink(missing_ok=True)
  if not train_unet.train(stop, data, args.steps, finish=args.finish, **options):
    return None
  if not args.finish_now and not train_autoencoder.train(stop, decoder_only=True, **options):
    return None
  return _export(args)


def restart_in_environment():
  """Starts this process again where it lacks ENVIRONMENT."""
  if any(name not in os.environ for name in ENVIRONMENT):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**ENVIRONMENT, **os.environ})


def main():
  args = _arguments()
  restart_in_environment()
  torch.set_num_threads(args.threads)
  run(args, state.StopFlag())


if __name__ == "__main__":
  main()
