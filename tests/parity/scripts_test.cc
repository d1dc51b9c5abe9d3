// Every txt2img and img2img case under the reference's outputs, run through the program's own
// command: flags in, tensors and pictures out.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "image/watermark.h"
#include "runtime/kernel_policy.h"
#include "support/case_run.h"

namespace sd::test {
using namespace image;
using namespace runtime;

namespace {

/// The saved samples are the decoded pictures, cut to 8 bits, with the watermark where it fits.
void compare_saved_with_decoded(const CaseRun& run, const ReferenceCase& reference_case) {
  const auto saved = sorted_pngs(run.outdir / "samples");
  size_t next = 0;
  for (const at::Tensor& batch : run.tensors.at("image")) {
    for (int64_t i = 0; i < batch.size(0) && next < saved.size(); ++i, ++next) {
      const at::Tensor bytes = ((batch[i] + 1.0) / 2.0)
                                   .clamp(0.0, 1.0)
                                   .mul(255.0)
                                   .to(at::kByte)
                                   .permute({1, 2, 0})
                                   .contiguous();
      Image expected(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
      std::copy_n(bytes.const_data_ptr<uint8_t>(), expected.rgb.size(), expected.rgb.begin());
      if (reference_case.has_watermark()) {
        ASSERT_TRUE(embed_watermark(expected, "StableDiffusionV1"));
      }
      EXPECT_TRUE(read_image(saved[next]) == expected) << saved[next];
    }
  }
}

class Scripts : public testing::TestWithParam<std::string> {};

TEST_P(Scripts, GivesTheReferencesTensorsAndPictures) {
  SD_NEEDS_REFERENCE();
  const ReferenceCase reference_case(GetParam());
  const CaseRun run(reference_case);
  EXPECT_EQ(run.exit_code, 0);
  ParityRecord record(reference_case.id);
  compare_tensors(reference_case, run, reference_case.tolerance(), &record);
  compare_pictures(reference_case, run, reference_case.tolerance(), &record);
  compare_saved_with_decoded(run, reference_case);
  record.write();
}

/// The kernels that this machine has, each with the memory that it is given.
std::vector<std::vector<std::string>> kernel_flags() {
  std::vector<std::vector<std::string>> all = {{"--kernels", "aten"}};
  if (probe_isa() >= Isa::kAvx2) {
    all.push_back({"--kernels", "avx2"});
    all.push_back({"--kernels", "avx2", "--memory", "low"});
  }
  if (probe_isa() >= Isa::kAvx512) all.push_back({"--kernels", "avx512", "--memory", "low"});
  return all;
}

TEST(Kernels, GiveTheReferencesTensorsWhicheverAreChosen) {
  SD_NEEDS_REFERENCE();
  for (const char* id : {"t30-trace-ddim5", "t17-safetensors-plms5", "i01-s0.3"}) {
    for (const std::vector<std::string>& flags : kernel_flags()) {
      SCOPED_TRACE(id + std::string(" ") + join(flags, " "));
      const ReferenceCase reference_case(id);
      const CaseRun run(reference_case, flags);
      ParityRecord not_written(id);
      compare_tensors(reference_case, run, reference_case.tolerance(), &not_written);
      compare_pictures(reference_case, run, reference_case.tolerance(), &not_written);
    }
  }
}

/// The latents of a run, batch by batch.
at::Tensor latents(const CaseRun& run) { return at::cat(run.tensors.at("latent")); }

TEST(Kernels, InBfloat16StayNearTheReference) {
  SD_NEEDS_REFERENCE();
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  for (const char* id : {"t30-trace-ddim5", "t17-safetensors-plms5", "i01-s0.3"}) {
    SCOPED_TRACE(id);
    const ReferenceCase reference_case(id);
    const at::Tensor exact = latents(CaseRun(reference_case, {"--precision", "full"}));
    const at::Tensor rounded = latents(CaseRun(reference_case, {"--precision", "bf16"}));
    const double error = ((rounded - exact).norm() / exact.norm()).item<double>();
    EXPECT_GT(error, 1e-5);  // or it was not used
    EXPECT_LT(error, 0.2);   // small networks of random weights make much of each rounding
  }
}

INSTANTIATE_TEST_SUITE_P(Reference, Scripts, testing::ValuesIn(reference_cases("tli")),
                         case_test_name);

}  // namespace
}  // namespace sd::test
