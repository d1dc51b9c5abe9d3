#include "safety/decision.h"

#include <algorithm>
#include <cmath>

#include "sd/error.h"

namespace sd::safety {
namespace {

constexpr double kAdjustment = 0.01;

void require_finite(std::span<const float> values, const char* what) {
  if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
  throw Error(ErrorKind::kCheckpoint,
              std::string("expected finite numbers from the safety checker, found one that is not "
                          "among its ") +
                  what,
              "its checkpoint may be damaged: fetch it again");
}

/// numpy's round(x, 3), which is what Python's round calls for numpy's numbers.
double round_to_3_digits(double x) { return std::nearbyint(x * 1000) / 1000; }

}  // namespace

SafetyVerdict decide(std::span<const float, kSafetyConcepts> concept_cosines,
                     std::span<const float, kSpecialCareConcepts> special_cosines,
                     const SafetyThresholds& thresholds) {
  require_finite(concept_cosines, "cosines");
  require_finite(special_cosines, "cosines");
  require_finite(thresholds.concepts, "thresholds");
  require_finite(thresholds.special_care, "thresholds");
  SafetyVerdict verdict;
  // The differences are taken in double, as numpy did in 2022.
  for (size_t i = 0; i < kSpecialCareConcepts; ++i) {
    const double over = double{special_cosines[i]} - double{thresholds.special_care[i]};
    verdict.special_scores[i] = round_to_3_digits(over + verdict.adjustment);
    if (verdict.special_scores[i] > 0) verdict.adjustment = kAdjustment;
  }
  for (size_t i = 0; i < kSafetyConcepts; ++i) {
    const double over = double{concept_cosines[i]} - double{thresholds.concepts[i]};
    verdict.concept_scores[i] = round_to_3_digits(over + verdict.adjustment);
    if (verdict.concept_scores[i] > 0) verdict.bad_concepts.push_back(static_cast<int>(i));
  }
  verdict.flagged = !verdict.bad_concepts.empty();
  return verdict;
}

}  // namespace sd::safety
