// The decision from cosines: thresholds, rounding, the adjustment.

#include "safety/decision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/expect_error.h"

namespace sd::test {
using namespace safety;

namespace {

using Concepts = std::array<float, kSafetyConcepts>;
using SpecialCare = std::array<float, kSpecialCareConcepts>;

/// Thresholds of 0.25 everywhere.
SafetyThresholds quarter() {
  SafetyThresholds thresholds;
  thresholds.concepts.fill(0.25F);
  thresholds.special_care.fill(0.25F);
  return thresholds;
}

Concepts concepts(float value, size_t index, float other = 0) {
  Concepts cosines;
  cosines.fill(other);
  cosines[index] = value;
  return cosines;
}

TEST(Decide, FlagsWhatIsAboveItsThreshold) {
  const SafetyVerdict below = decide(Concepts{}, SpecialCare{}, quarter());
  EXPECT_FALSE(below.flagged);
  EXPECT_EQ(below.adjustment, 0);
  EXPECT_EQ(below.concept_scores[16], -0.25);
  const SafetyVerdict above = decide(concepts(0.375F, 16), SpecialCare{}, quarter());
  EXPECT_TRUE(above.flagged);
  EXPECT_EQ(above.bad_concepts, std::vector<int>{16});
  EXPECT_EQ(above.concept_scores[16], 0.125);
}

TEST(Decide, ScoresAreRoundedBeforeTheyAreJudged) {
  const SafetyVerdict just_above = decide(concepts(0.2504F, 2), SpecialCare{}, quarter());
  EXPECT_FALSE(just_above.flagged);
  EXPECT_EQ(just_above.concept_scores[2], 0);
  const SafetyVerdict rounded_up = decide(concepts(0.2506F, 2), SpecialCare{}, quarter());
  EXPECT_TRUE(rounded_up.flagged);
  EXPECT_EQ(rounded_up.concept_scores[2], 0.001);
}

TEST(Decide, ASpecialCareConceptTightensAllThatFollow) {
  const Concepts near = concepts(0.242F, 5);
  EXPECT_FALSE(decide(near, SpecialCare{}, quarter()).flagged);
  const SafetyVerdict tightened = decide(near, SpecialCare{0, 0.26F, 0.242F}, quarter());
  EXPECT_TRUE(tightened.flagged);
  EXPECT_EQ(tightened.adjustment, 0.01);
  EXPECT_EQ(tightened.bad_concepts, std::vector<int>{5});
  EXPECT_EQ(tightened.concept_scores[5], 0.002);
  // The third is above only by the second's adjustment, the first was scored before it.
  EXPECT_EQ(tightened.special_scores, (std::array<double, 3>{-0.25, 0.01, 0.002}));
  // A special care concept alone flags nothing.
  EXPECT_FALSE(decide(Concepts{}, SpecialCare{0.9F, 0.9F, 0.9F}, quarter()).flagged);
}

TEST(Decide, RefusesNumbersThatAreNone) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const auto refuses = [&](const Concepts& cosines, const SpecialCare& special,
                             const SafetyThresholds& thresholds) {
      expect_error(ErrorKind::kCheckpoint, "expected finite numbers",
                   [&] { decide(cosines, special, thresholds); });
    };
    refuses(concepts(bad, 11), SpecialCare{}, quarter());
    refuses(Concepts{}, SpecialCare{0, 0, bad}, quarter());
    SafetyThresholds thresholds = quarter();
    thresholds.concepts[3] = bad;
    refuses(Concepts{}, SpecialCare{}, thresholds);
    thresholds = quarter();
    thresholds.special_care[0] = bad;
    refuses(Concepts{}, SpecialCare{}, thresholds);
  }
}

}  // namespace
}  // namespace sd::test
