#pragma once

#include "job/options.h"
#include "sd/pipeline.h"

namespace sd {

/// What `sd txt2img` and `sd img2img` do: draws all pictures that the options ask for and writes
/// them. `tap` sees the tensors of the run (see Session::set_tap). Returns the exit code; throws
/// Error, kCancelled once the user has stopped it and what was drawn is written.
int run_script(const RunOptions& options, const Session::Tap& tap = nullptr);

}  // namespace sd
