#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace sd {

/// What the safety checker looks for: so many concepts, and so many that call for special care.
inline constexpr int kSafetyConcepts = 17;
inline constexpr int kSpecialCareConcepts = 3;

/// What is done with a picture that the safety checker flags. In every mode but kOff, a picture
/// that could not be checked is not let through either: it is made black (kRefuse: withheld).
enum class SafetyMode {
  kOff,     ///< nothing is checked
  kReport,  ///< the verdict is reported, the picture stays as it is
  kBlur,    ///< the picture is blurred until nothing can be recognised
  kBlack,   ///< the picture is made black, as the reference's checker does
  kRefuse,  ///< there is no picture
};

/// What the safety checker says of one picture, as diffusers' StableDiffusionSafetyChecker.
///
/// A score is cosine similarity less the concept's threshold plus the adjustment, rounded to three
/// digits; above 0 it is a hit.
struct SafetyVerdict {
  bool flagged = false;   ///< whether any of the concepts was hit
  double adjustment = 0;  ///< 0.01 once a special care concept was hit, else 0
  std::array<double, kSafetyConcepts> concept_scores = {};
  /// Each with the adjustment that the ones before it led to.
  std::array<double, kSpecialCareConcepts> special_scores = {};
  std::vector<int> bad_concepts;  ///< indices of the concepts that were hit, ascending
};

/// What was done to a picture.
enum class SafetyAction {
  kNone,
  kBlurred,
  kBlackened,
  kWithheld,  ///< the picture was emptied; there is nothing to save
};

/// How the check of one picture ended.
struct SafetyOutcome {
  std::optional<SafetyVerdict> verdict;  ///< absent if nothing was checked or the check failed
  SafetyAction action = SafetyAction::kNone;
  std::string failure;  ///< why the check failed, in one line; empty if it did not

  /// True if a checker that worked found the picture harmful.
  bool flagged() const { return verdict.has_value() && verdict->flagged; }
};

}  // namespace sd
