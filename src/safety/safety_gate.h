#pragma once

#include <ATen/core/Tensor.h>

#include "image/image.h"
#include "safety/safety_checker.h"
#include "sd/safety.h"

namespace sd::safety {

/// Does to the picture what the mode asks for: nothing unless it is flagged.
SafetyAction apply_verdict(const SafetyVerdict& verdict, SafetyMode mode, Image& image);

/// Lets a picture through, or not: checks `picture` [3, H, W], the decoded one of about [-1, 1],
/// and does to `image`, the 8-bit one that is to be saved, what the verdict and the mode ask for.
///
/// It fails closed and never throws: if the check cannot be made (no checker, an exception, an
/// answer that is not finite, an image of another size than the picture), `image` becomes black,
/// or is emptied under kRefuse, and the outcome says why. Only kOff lets pass what was not checked,
/// and needs no checker.
SafetyOutcome check_and_apply(const SafetyChecker* checker, SafetyMode mode,
                              const at::Tensor& picture, Image& image) noexcept;

/// Checks a picture that exists only in 8 bits.
SafetyOutcome check_and_apply(const SafetyChecker* checker, SafetyMode mode, Image& image) noexcept;

}  // namespace sd::safety
