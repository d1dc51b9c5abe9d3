#pragma once

#include "runtime/captured_fn.h"

namespace sd::runtime::device {

/// Records on a stream of its own, after three runs in which libraries choose their algorithms and
/// take their memory.
Recorder make_recorder(const c10::Device& device);

}  // namespace sd::runtime::device
