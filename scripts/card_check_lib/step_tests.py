"""Step 3: the tests of what is ours on a card. What may spoil its process has one of its own."""

import gtest

TOGETHER = (("kernels", "CudaKernels.*:CudaUpload.*"), ("noise", "CudaNoise.*"),
            # One of these names the folder of the build.
            ("library", "CudaLibrary.*-CudaLibrary.ShowsOneFunctionOnly"))
ONE_BY_ONE = "CudaGraph.*:CudaMemory.SharesAndStrips*:CudaMemory.KeptBlocks*"


def check(session):
  for label, pattern in TOGETHER:
    session.attempt(label, lambda s, label=label, pattern=pattern: gtest.run(s, label, pattern, 60))
  session.attempt("one by one", one_by_one)


def one_by_one(session):
  for name in gtest.names(session, ONE_BY_ONE):
    session.attempt(name, lambda s, name=name: gtest.run(s, name, name, 40))
