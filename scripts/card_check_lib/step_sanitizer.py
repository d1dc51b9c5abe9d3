"""Step 9: our kernels under compute-sanitizer, without the shapes that take minutes there."""

import re

import gtest
import step_kernel_times

FILTER = "CudaKernels.*-CudaKernels.GroupNorm:CudaKernels.Geglu"


def check(session):
  session.need_card()
  tool, program = step_kernel_times.find("compute-sanitizer"), gtest.tests_program(session)
  for kind in ("memcheck", "racecheck"):
    session.attempt(kind, one, tool, program, kind)


def one(session, tool, program, kind):
  done = session.run(kind, [tool, "--tool", kind, "--error-exitcode", "9", program,
                            f"--gtest_filter={FILTER}"], 30, gtest.environment(session))
  if done.timed_out:
    session.report.check(kind, "cut", done.why(), done.log)
    return
  found = findings(done.text)
  if done.code != 0 and found == 0:
    session.report.check(kind, "skipped", f"it does not work here: {done.why()}", done.log)
    return
  session.check(kind, done.code == 0, f"{done.seconds:.0f} s, {found} findings", done.log)


def findings(text):
  """As its last line counts them: errors, or hazards."""
  counted = re.search(r"(?:ERROR|RACECHECK) SUMMARY: (\d+)", text)
  return int(counted[1]) if counted else 0
