#include "safety/safety_gate.h"

#include <algorithm>
#include <exception>

#include "base/split.h"
#include "base/strings.h"
#include "image/blur.h"
#include "sd/error.h"

namespace sd::safety {
namespace {

/// What needs no memory, and so cannot fail.
SafetyAction withdraw(SafetyMode mode, Image& image) {
  if (mode == SafetyMode::kRefuse) {
    image = Image();
    return SafetyAction::kWithheld;
  }
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{0});
  return SafetyAction::kBlackened;
}

template <class Check>
SafetyOutcome gate(const SafetyChecker* checker, SafetyMode mode, Image& image,
                   const Check& check) noexcept {
  SafetyOutcome outcome;
  if (mode == SafetyMode::kOff) return outcome;
  // Whatever happens below, nothing but a verdict opens the gate.
  try {
    if (checker == nullptr) {
      throw Error(ErrorKind::kInternal, "no safety checker was loaded");
    }
    SafetyVerdict verdict = check(*checker);
    outcome.action = apply_verdict(verdict, mode, image);
    outcome.verdict = std::move(verdict);
    return outcome;
  } catch (const std::exception& error) {
    // c10's messages go on with a stack trace, which is no business of the user's.
    outcome.failure = printable(first_line(error.what()));
  } catch (...) {
    outcome.failure = "unknown exception";
  }
  outcome.action = withdraw(mode, image);
  return outcome;
}

}  // namespace

SafetyAction apply_verdict(const SafetyVerdict& verdict, SafetyMode mode, Image& image) {
  if (!verdict.flagged) return SafetyAction::kNone;
  switch (mode) {
    case SafetyMode::kOff:
    case SafetyMode::kReport:
      return SafetyAction::kNone;
    case SafetyMode::kBlur:
      image = image::blur_beyond_recognition(image);
      return SafetyAction::kBlurred;
    case SafetyMode::kBlack:
    case SafetyMode::kRefuse:
      return withdraw(mode, image);
  }
  return withdraw(SafetyMode::kRefuse, image);  // a number that is no mode
}

SafetyOutcome check_and_apply(const SafetyChecker* checker, SafetyMode mode,
                              const at::Tensor& picture, Image& image) noexcept {
  return gate(checker, mode, image, [&](const SafetyChecker& loaded) {
    const bool same =
        picture.dim() == 3 && picture.size(1) == image.height && picture.size(2) == image.width;
    if (!same) {
      throw Error(ErrorKind::kInternal, "the picture that is saved is not the one that is checked");
    }
    return loaded.check(picture);
  });
}

SafetyOutcome check_and_apply(const SafetyChecker* checker, SafetyMode mode,
                              Image& image) noexcept {
  return gate(checker, mode, image,
              [&](const SafetyChecker& loaded) { return loaded.check(image); });
}

}  // namespace sd::safety
