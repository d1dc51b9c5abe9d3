"""Step 4: the card's tensors against the processor's, and against the reference's where it is here."""

import gtest
import machine
import pack

CASES = [name.removeprefix("cases/").replace("-", "_").replace(".", "_")
         for name in pack.REFERENCES if name.startswith("cases/")]


def check(session):
  for label, pattern in (("built-in model", "*CudaBuiltIn.*"), ("full-size networks", "CudaFullSize.*")):
    session.attempt(label, lambda s, label=label, pattern=pattern: gtest.run(s, label, pattern, 90))
  for label, test in (("reference's cases in full", "InFull"), ("reference's cases in half", "InHalf")):
    session.attempt(label, reference_cases, label, test)


def reference_cases(session, label, test):
  gtest.tests_program(session)
  if gtest.reference(session) is None:
    raise machine.Skipped("the reference's outputs are not here (pack --with-references)")
  gtest.run(session, label, ":".join(f"*CudaCases.{test}/{name}" for name in CASES), 60)
