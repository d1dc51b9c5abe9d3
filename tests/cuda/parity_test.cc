// Every case under the reference's outputs on the card. The goldens are float32's on the processor.

#include <gtest/gtest.h>

#include "cuda/card.h"
#include "support/case_run.h"

namespace sd::test {
namespace {

/// Float32 without TF32 differs from the processor's by the order of its sums.
Tolerance full_tolerance(const ReferenceCase& reference_case) {
  Tolerance tolerance = reference_case.tolerance();
  tolerance.cond *= 4;
  tolerance.latent *= 4;
  tolerance.image *= 4;
  tolerance.pixel_share *= 4;
  return tolerance;
}

/// Half precision keeps 11 bits, and a run of a few steps multiplies what they lose by up to ten.
Tolerance half_tolerance() {
  return {.cond = 2e-2, .latent = 0.1, .image = 0.1, .pixel_share = 1, .pixel_largest = 16};
}

class CudaCases : public testing::TestWithParam<std::string> {};

void check_case(const std::string& id, const char* precision, const Tolerance& tolerance) {
  const ReferenceCase reference_case(id);
  const CaseRun run(reference_case, {"--device", "cuda", "--precision", precision});
  EXPECT_EQ(run.exit_code, 0);
  ParityRecord record(id + "-cuda-" + precision);
  compare_tensors(reference_case, run, tolerance, &record);
  compare_pictures(reference_case, run, tolerance, &record);
  record.write();
}

TEST_P(CudaCases, InFull) {
  SD_NEEDS_REFERENCE();
  SD_NEEDS_CARD();
  check_case(GetParam(), "full", full_tolerance(ReferenceCase(GetParam())));
}

TEST_P(CudaCases, InHalf) {
  SD_NEEDS_REFERENCE();
  SD_NEEDS_CARD();
  check_case(GetParam(), "autocast", half_tolerance());
}

INSTANTIATE_TEST_SUITE_P(Reference, CudaCases, testing::ValuesIn(reference_cases("tli")),
                         case_test_name);

TEST(CudaCase, ReplaysAsPlainKernelsDraw) {
  SD_NEEDS_REFERENCE();
  SD_NEEDS_CARD();
  const ReferenceCase reference_case("t30-trace-ddim5");
  const std::vector<std::string> full = {"--device", "cuda", "--precision", "full"};
  std::vector<std::string> plain = full;
  plain.insert(plain.end(), {"--kernels", "aten"});
  const CaseRun graphs(reference_case, full), eager(reference_case, plain);
  EXPECT_LE(difference(graphs.tensors.at("latent")[0], eager.tensors.at("latent")[0]), 1e-4);
  const CaseRun again(reference_case, full);
  EXPECT_LE(difference(graphs.tensors.at("latent")[0], again.tensors.at("latent")[0]), 1e-5);
}

}  // namespace
}  // namespace sd::test
