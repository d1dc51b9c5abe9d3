// The web UI's recorded runs, drawn by the program's own command from the same fields: every
// sampler and schedule, batches, seeds and settings.

#include <gtest/gtest.h>

#include "support/golden_tensor.h"
#include "support/webui_cases.h"

namespace sd::test {
using namespace image;

namespace {

/// The cases that are not drawn here, and why.
std::string left_out(const WebUiCase& of) {
  static const std::map<std::string, const char*> cases = {
      {"a106-unipc-too-few", "the web UI fails; WebUiPlans shows that ours does"}};
  if (const auto found = cases.find(of.id); found != cases.end()) return found->second;
  return of.starts_from_latent() ? "it starts from a latent; WebUiImg2Img draws it" : "";
}

/// A setting that no flag stands for would be left out in silence.
void expect_all_settings_known(const WebUiCase& of) {
  for (const auto& [setting, value] : of.recorded.at("settings").items()) {
    EXPECT_TRUE(webui_flags().contains(setting) || webui_settings_of_rounding().contains(setting))
        << setting;
  }
}

void expect_near(const at::Tensor& ours, const Golden<float>& golden, double tolerance) {
  ASSERT_EQ(ours.sizes().vec(), golden.shape);
  const at::Tensor theirs = tensor_of(golden);
  EXPECT_LE((ours - theirs).abs().max().item<double>(), tolerance);
}

/// Written pictures and recorded ones: few values are off, and by little.
void expect_pictures(const WebUiCase& of, const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> ours = sorted_pngs(folder);
  const auto& names = of.recorded.at("pictures");
  if (names.empty()) return;
  ASSERT_EQ(ours.size(), names.size());
  PixelDifference difference;
  for (size_t i = 0; i < names.size(); ++i) {
    difference.add(read_image(ours[i]), read_image(of.folder() / names[i].get<std::string>()));
  }
  EXPECT_LE(difference.share(), std::max(0.005, 3 * of.floor("u8_share")));
  EXPECT_LE(difference.largest, std::max(2.0, 3 * of.floor("u8_max")));
}

class WebUiCases : public testing::TestWithParam<std::string> {};

TEST_P(WebUiCases, HaveTheSameLatentsAndPictures) {
  const WebUiCase of(GetParam());
  if (const std::string why = left_out(of); !why.empty()) GTEST_SKIP() << why;
  expect_all_settings_known(of);
  const TempFolder out;
  TensorLists tensors;
  ASSERT_EQ(run_flags(Script::kTxt2Img, flags_of(of, out.path().string()), &tensors), 0);
  const GoldenTensors golden = of.tensors();
  expect_near(at::cat(tensors.at("latent")), golden.f32("latent"),
              std::max(5 * of.floor("latent"), 2e-4));
  expect_pictures(of, out / "samples");
}

INSTANTIATE_TEST_SUITE_P(Recorded, WebUiCases, testing::ValuesIn(webui_cases()), webui_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WebUiCases);

}  // namespace
}  // namespace sd::test
