"""Step 2: the built-in model by its default flags. As on a machine with a driver and nothing more, too:
there a library that only a CUDA toolkit brings is missed."""

import drawing
import png

ONE = ["--n_samples", "1", "--n_iter", "1"]
# Of 255, from the picture that float32 on the processor gives: half precision moves edges. (bfloat16 on
# the processor, with three bits less, is 0.3 away after ten steps.)
MEAN_OF_HALF, MEAN_OF_FULL = 2.0, 0.5


def check(session):
  session.attempt("on the processor", on_processor)
  session.attempt("default flags", default_flags)
  session.attempt("with a driver only", driver_only)
  if session.card:
    session.attempt("--precision full", full)
    session.attempt("cuDNN attention kept back", without_cudnn_attention)


def processors_picture(session):
  return next(iter(sorted((session.work / "processor/samples").glob("*.png"))), None)


def judge(session, name, drawing_made, most):
  """Checks that it was drawn and is near the processor's picture."""
  if not drawing_made.ok:
    session.check(name, False, drawing_made.text(), drawing_made.done.log)
    return
  session.report.picture(name, drawing_made.pictures[0])
  mean, largest = png.difference(drawing_made.pictures[0], processors_picture(session))
  session.check(name, mean <= most,
                f"{drawing_made.text()}; from the processor's picture {mean:.2f} of 255 in the mean "
                f"(at most {most}), {largest} at most", drawing_made.done.log,
                seconds=drawing_made.done.seconds, first_step=drawing_made.first_step(), mean=mean,
                largest=largest)


def on_processor(session):
  made = drawing.draw(session, "processor", [*ONE, "--device", "cpu", "--precision", "full"], 60)
  if made.ok:
    session.report.picture("on the processor", made.pictures[0])
  session.check("on the processor", made.ok, made.text(), made.done.log, seconds=made.done.seconds)


def most(session):
  return MEAN_OF_HALF if session.card else 0.0


def default_flags(session):
  judge(session, "default flags", drawing.draw(session, "default", ONE, 60), most(session))


def driver_only(session):
  start, environment = session.environment.driver_only()
  judge(session, "with a driver only",
        drawing.draw(session, "driver-only", ONE, 60, start, environment), most(session))


def full(session):
  judge(session, "--precision full", drawing.draw(session, "full", [*ONE, "--precision", "full"], 60),
        MEAN_OF_FULL)


def without_cudnn_attention(session):
  environment = session.environment.own(TORCH_CUDNN_SDPA_DEPRIORITIZED="1")
  judge(session, "cuDNN attention kept back",
        drawing.draw(session, "no-cudnn-attention", ONE, 60, environment=environment), MEAN_OF_HALF)
