#pragma once

#include <functional>

#include "sd/image.h"

namespace sd {

/// What a run is busy with.
enum class Stage { kLoad, kText, kEncode, kSample, kDecode };

/// `step` of `total` steps of the stage are done, `seconds` after the stage began.
struct ProgressEvent {
  Stage stage;
  int step;
  int total;
  double seconds;
  /// While pictures are sampled, after a step: what they look like so far, side by side. To be
  /// called within the call that it came with, if at all.
  std::function<Image()> preview = nullptr;
};

/// Called when a stage begins, after each of its steps, and often in between (a step can take half
/// a minute): it must be quick. Return false to stop; the run then throws Error(kCancelled).
using ProgressFn = std::function<bool(const ProgressEvent&)>;

}  // namespace sd
