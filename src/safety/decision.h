#pragma once

#include <array>
#include <span>

#include "sd/safety.h"

namespace sd::safety {

/// How similar a picture may be to each concept: cosines. From the checkpoint.
struct SafetyThresholds {
  std::array<float, kSafetyConcepts> concepts = {};           ///< concept_embeds_weights
  std::array<float, kSpecialCareConcepts> special_care = {};  ///< special_care_embeds_weights
};

/// The decision of diffusers' StableDiffusionSafetyChecker (0.3.0) from the cosines between a
/// picture and the concepts. Throws kCheckpoint if a cosine or a threshold is not finite: such a
/// one is above no threshold, and would let every picture through.
SafetyVerdict decide(std::span<const float, kSafetyConcepts> concept_cosines,
                     std::span<const float, kSpecialCareConcepts> special_cosines,
                     const SafetyThresholds& thresholds);

}  // namespace sd::safety
