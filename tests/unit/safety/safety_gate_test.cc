// What is done to a picture, and that nothing passes unchecked.

#include "safety/safety_gate.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/pattern.h"
#include "unit/safety/small_checker.h"

namespace sd::test {
using namespace safety;

namespace {

constexpr SafetyMode kCheckingModes[] = {SafetyMode::kReport, SafetyMode::kBlur, SafetyMode::kBlack,
                                         SafetyMode::kRefuse};

Image picture() { return pattern("noise", 128, 128, 1); }  // the first one of vectors.json, flagged

bool is_black(const Image& image) {
  return !image.empty() &&
         std::all_of(image.rgb.begin(), image.rgb.end(), [](uint8_t value) { return value == 0; });
}

/// The outcome of a check that could not be made.
void expect_closed(const SafetyOutcome& outcome, SafetyMode mode, const Image& image,
                   const std::string& why) {
  EXPECT_FALSE(outcome.verdict.has_value());
  EXPECT_FALSE(outcome.flagged());
  EXPECT_NE(outcome.failure.find(why), std::string::npos) << outcome.failure;
  if (mode == SafetyMode::kRefuse) {
    EXPECT_EQ(outcome.action, SafetyAction::kWithheld);
    EXPECT_TRUE(image.empty());
    EXPECT_EQ(image, Image());
  } else {
    EXPECT_EQ(outcome.action, SafetyAction::kBlackened);
    EXPECT_TRUE(is_black(image));
    EXPECT_EQ(image.width, picture().width);
  }
}

/// Runs the gate in every mode that checks; each must close for the reason given.
void expect_closed_in_all_modes(const SafetyChecker* checker, const at::Tensor& decoded_picture,
                                const std::string& why) {
  for (const SafetyMode mode : kCheckingModes) {
    SCOPED_TRACE(static_cast<int>(mode));
    Image image = picture();
    const SafetyOutcome outcome = check_and_apply(checker, mode, decoded_picture, image);
    expect_closed(outcome, mode, image, why);
  }
}

TEST(ApplyVerdict, LeavesWhatIsNotFlagged) {
  for (const SafetyMode mode : kCheckingModes) {
    Image image = picture();
    EXPECT_EQ(apply_verdict(SafetyVerdict(), mode, image), SafetyAction::kNone);
    EXPECT_EQ(image, picture());
  }
}

TEST(SafetyGate, DoesWhatTheModeAsksForToAFlaggedPicture) {
  const auto checker = SmallChecker().load();
  const auto run = [&](SafetyMode mode, Image& image) {
    const SafetyOutcome outcome = check_and_apply(checker.get(), mode, decoded(image), image);
    EXPECT_EQ(outcome.flagged(), mode != SafetyMode::kOff);
    EXPECT_EQ(outcome.failure, "");
    return outcome.action;
  };
  Image image = picture();
  EXPECT_EQ(run(SafetyMode::kOff, image), SafetyAction::kNone);
  EXPECT_EQ(run(SafetyMode::kReport, image), SafetyAction::kNone);
  EXPECT_EQ(image, picture());
  EXPECT_EQ(run(SafetyMode::kBlur, image), SafetyAction::kBlurred);
  EXPECT_NE(image, picture());
  EXPECT_FALSE(is_black(image));
  image = picture();
  EXPECT_EQ(run(SafetyMode::kBlack, image), SafetyAction::kBlackened);
  EXPECT_TRUE(is_black(image));
  image = picture();
  EXPECT_EQ(run(SafetyMode::kRefuse, image), SafetyAction::kWithheld);
  EXPECT_TRUE(image.empty());
}

TEST(SafetyGate, LetsThroughWhatIsNotFlagged) {
  const auto checker = SmallChecker().load();
  const Image harmless = pattern("saturated", 64, 97, 3);  // the third one of vectors.json
  for (const SafetyMode mode : kCheckingModes) {
    Image image = harmless;
    const SafetyOutcome outcome = check_and_apply(checker.get(), mode, image);
    EXPECT_TRUE(outcome.verdict.has_value());
    EXPECT_FALSE(outcome.flagged());
    EXPECT_EQ(outcome.action, SafetyAction::kNone);
    EXPECT_EQ(image, harmless);
  }
}

TEST(SafetyGate, ClosesWhereWeightsAreNotNumbers) {
  for (const char* name : {"visual_projection.weight", "concept_embeds", "special_care_embeds",
                           "concept_embeds_weights", "special_care_embeds_weights",
                           "vision_model.vision_model.encoder.layers.1.mlp.fc2.bias",
                           "vision_model.vision_model.embeddings.class_embedding"}) {
    SCOPED_TRACE(name);
    SmallChecker small;
    small.tensors.at(name).flatten()[1].fill_(std::nan(""));
    expect_closed_in_all_modes(small.load().get(), decoded(picture()), "expected finite numbers");
  }
}

TEST(SafetyGate, ClosesWhereTheNetworkOverflows) {
  SmallChecker small;
  small.tensors.at("visual_projection.weight").fill_(3e38F);
  expect_closed_in_all_modes(small.load().get(), decoded(picture()), "expected finite numbers");
}

TEST(SafetyGate, ClosesWithoutAChecker) {
  expect_closed_in_all_modes(nullptr, decoded(picture()), "no safety checker");
  Image image = picture();
  const SafetyOutcome outcome = check_and_apply(nullptr, SafetyMode::kOff, image);
  EXPECT_EQ(outcome.action, SafetyAction::kNone);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(image, picture());
}

TEST(SafetyGate, ClosesForAPictureThatCannotBeChecked) {
  const auto checker = SmallChecker().load();
  const char* another = "is not the one that is checked";
  expect_closed_in_all_modes(checker.get(), at::zeros({3, 128, 127}), another);
  expect_closed_in_all_modes(checker.get(), at::zeros({1, 3, 128, 128}), another);
  expect_closed_in_all_modes(checker.get(), at::Tensor(), another);
  expect_closed_in_all_modes(checker.get(), at::zeros({1, 128, 128}), "expected a picture");
  at::Tensor broken = decoded(picture());
  broken[1][77][3].fill_(std::nan(""));
  expect_closed_in_all_modes(checker.get(), broken, "not numbers");
}

TEST(SafetyGate, ClosesForAPictureWithoutPixels) {
  const auto checker = SmallChecker().load();
  Image empty;
  const SafetyOutcome outcome = check_and_apply(checker.get(), SafetyMode::kBlack, empty);
  EXPECT_EQ(outcome.action, SafetyAction::kBlackened);
  EXPECT_NE(outcome.failure, "");
}

}  // namespace
}  // namespace sd::test
