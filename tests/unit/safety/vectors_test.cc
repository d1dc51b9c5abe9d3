// Small checkers against diffusers' own module with the same weights and pictures
// (scripts/make_safety_vectors).

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "support/pattern.h"
#include "unit/safety/small_checker.h"

namespace sd::test {
using namespace runtime;
using namespace safety;

namespace {

using nlohmann::json;

Image picture_of(const json& vector) {
  const json& picture = vector.at("picture");
  return pattern(picture.at(0), picture.at(1), picture.at(2), picture.at(3));
}

double difference(const at::Tensor& ours, const json& golden) {
  const at::Tensor expected = at::tensor(golden.get<std::vector<float>>());
  EXPECT_EQ(ours.numel(), expected.numel());
  return (ours.flatten() - expected).abs().max().item<double>();
}

uint32_t crc_of(const at::Tensor& tensor) {
  const auto* bytes = static_cast<const Bytef*>(tensor.const_data_ptr());
  return static_cast<uint32_t>(crc32(0, bytes, static_cast<uInt>(tensor.nbytes())));
}

class CheckerVectors : public testing::TestWithParam<size_t> {
 protected:
  const json& vectors() const { return checker_vectors().at(GetParam()); }
};

TEST_P(CheckerVectors, GiveTheModulesEmbeddingsCosinesAndFlags) {
  const SmallChecker small(vectors());
  const auto checker =
      load_safety_checker(small.write_safetensors(), KernelPolicy{.isa = probe_isa()});
  for (const json& vector : vectors().at("cases")) {
    SCOPED_TRACE(vector.at("picture").dump());
    Tensors seen;
    const SafetyVerdict verdict =
        checker->check(picture_of(vector), [&](const std::string& name, const at::Tensor& tensor) {
          seen[name] = tensor.contiguous();
        });
    // The pixels are the same to the last bit; what follows is arithmetic in another order.
    EXPECT_EQ(crc_of(seen.at("clip_input")), vector.at("clip_input_crc32"));
    EXPECT_LT(difference(seen.at("image_embeds"), vector.at("image_embeds")), 5e-6);
    EXPECT_LT(difference(seen.at("concept_cos"), vector.at("concept_cos")), 1e-6);
    EXPECT_LT(difference(seen.at("special_cos"), vector.at("special_cos")), 1e-6);
    EXPECT_EQ(verdict.flagged, vector.at("flagged"));
  }
}

TEST_P(CheckerVectors, DecideAsTheModuleDoesFromItsCosines) {
  SafetyThresholds thresholds;
  thresholds.concepts = vectors().at("concept_thresholds");
  thresholds.special_care = vectors().at("special_thresholds");
  for (const json& vector : vectors().at("cases")) {
    SCOPED_TRACE(vector.at("picture").dump());
    const std::array<float, kSafetyConcepts> concept_cos = vector.at("concept_cos");
    const std::array<float, kSpecialCareConcepts> special_cos = vector.at("special_cos");
    const SafetyVerdict verdict = decide(concept_cos, special_cos, thresholds);
    EXPECT_EQ(json(verdict.concept_scores), vector.at("concept_scores"));
    EXPECT_EQ(json(verdict.special_scores), vector.at("special_scores"));
    EXPECT_EQ(verdict.flagged, vector.at("flagged"));
    EXPECT_EQ(verdict.flagged, !verdict.bad_concepts.empty());
    const bool special =
        *std::max_element(verdict.special_scores.begin(), verdict.special_scores.end()) > 0;
    EXPECT_EQ(verdict.adjustment, special ? 0.01 : 0.0);
  }
}

// What the script sets the thresholds for: without these the cases above would say little.
TEST_P(CheckerVectors, CoverFlagsWithAndWithoutTheAdjustment) {
  const json& cases = vectors().at("cases");
  const SafetyVerdict second = SmallChecker(vectors()).load()->check(picture_of(cases.at(1)));
  EXPECT_EQ(second.adjustment, 0.01);
  ASSERT_EQ(second.bad_concepts.size(), 1U);
  const double score = second.concept_scores[static_cast<size_t>(second.bad_concepts.front())];
  EXPECT_LT(score, 0.01);  // not above 0 but for the adjustment
  EXPECT_TRUE(cases.at(0).at("flagged"));
  EXPECT_FALSE(cases.at(2).at("flagged"));
  EXPECT_FALSE(cases.at(3).at("flagged"));
}

TEST_P(CheckerVectors, ADecodedPictureIsRoundedTo8Bits) {
  const auto checker = SmallChecker(vectors()).load();
  for (const json& vector : vectors().at("cases")) {
    const Image image = picture_of(vector);
    const at::Tensor picture = decoded(image);
    EXPECT_TRUE(rounded_image(picture) == image);
    EXPECT_EQ(checker->check(picture).concept_scores, checker->check(image).concept_scores);
  }
}

INSTANTIATE_TEST_SUITE_P(Checkers, CheckerVectors, testing::Range(size_t{0}, size_t{3}));

TEST(RoundedImage, RoundsTiesToEvenAndClamps) {
  const at::Tensor values = at::tensor({0.0F, 2.0F, -3.0F, 0.9F, -1.0F, 1.0F});
  const Image image = rounded_image(values.reshape({1, 1, 6}).expand({3, 1, 6}));
  const uint8_t expected[] = {128, 255, 0, 242, 0, 255};  // from 127.5 (a tie), … 242.25, …
  for (int x = 0; x < 6; ++x) EXPECT_EQ(image.at(x, 0)[2], expected[x]) << x;
}

}  // namespace
}  // namespace sd::test
