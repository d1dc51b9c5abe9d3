// Every case under the reference's outputs on the card. The goldens are float32's on the processor.

#include <gtest/gtest.h>

#include <algorithm>

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

/// Half precision keeps 11 bits where float32 keeps 24. The reference's record of a case says what
/// float32's roundings in the networks did to it, against double precision. Roundings of half at
/// the same places do 2^13 times as much, as far as an effect is in proportion to its cause; and
/// there are fewer of them, since sums stay float32's: so this is the most to expect. Cases without
/// such figures get those of the median case.
Tolerance half_tolerance(const ReferenceCase& reference_case) {
  constexpr double kCoarser = 1 << 13;
  constexpr double kCond = 2.6e-6, kLatent = 7e-5, kImage = 2.3e-5;
  const nlohmann::json& floor = reference_case.info.at("float32_vs_float64_networks");
  const auto most = [&](const char* key, double median) {
    const bool known = floor.is_object() && floor.contains(key);
    return kCoarser * (known ? floor.at(key).get<double>() : median);
  };
  Tolerance tolerance{.cond = most("cond_maxabs", kCond),
                      .latent = most("latent_maxabs", kLatent),
                      .image = most("image_maxabs", kImage),
                      .pixel_share = 1};
  // 255 values stand for the two from -1 to 1; cutting to a whole number may add one.
  tolerance.pixel_largest = static_cast<int>(std::min(255.0, 127.5 * tolerance.image + 2));
  return tolerance;
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
  check_case(GetParam(), "autocast", half_tolerance(ReferenceCase(GetParam())));
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
