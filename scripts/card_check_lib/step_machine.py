"""Step 1: what is here. The checkpoint for the steps at full size is begun."""

import json
import shutil

import process

CHECKPOINT_BYTES = 4.4e9


def check(session):
  session.attempt("programs", programs)
  session.attempt("sd devices", devices)
  if session.card:
    session.attempt("full-size checkpoint", begin_checkpoint)


def programs(session):
  done = session.run("version", [session.kit / "bin/sd", "--version"], 20)
  session.check("programs", done.code == 0, done.text.strip() if done.code == 0 else done.why(),
                done.log)
  for doubt in session.environment.doubts():
    session.measured("environment", doubt)


def devices(session):
  done = session.run("devices", [session.kit / "bin/sd", "devices", "--json"], 30)
  if done.code != 0:
    session.check("sd devices", False, done.why(), done.log)
    return
  session.devices = json.loads(done.text[done.text.index("{"):])
  cuda = session.devices["cuda"]
  if session.card is None:
    session.measured("sd devices", f"no card: {cuda['why_not']}", done.log)
    return
  session.check("sd devices", cuda["own_kernels"],
                f"{session.card['name']}, driver for {cuda['driver']}, " +
                ("own kernels" if cuda["own_kernels"]
                 else f"no kernels of our own: {cuda['why_no_own_kernels']}"), done.log)


def begin_checkpoint(session):
  path = session.work / "full.safetensors"
  if shutil.disk_usage(session.work).free < CHECKPOINT_BYTES:
    session.measured("full-size checkpoint", f"{session.work} has no room for it")
    return
  session.checkpoint = process.Background(
      [session.kit / "bin/sd", "random-checkpoint", path], session.work / "checkpoint.out",
      session.out / "logs" / session.log("checkpoint"), session.environment.own())
  session.measured("full-size checkpoint", f"is being written to {path}")
