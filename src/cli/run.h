#pragma once

#include "job/settings.h"
#include "job/sweep.h"
#include "sd/pipeline.h"

namespace sd::cli {

/// What `sd txt2img` and `sd img2img` do: draws all pictures that the options ask for and writes
/// them; with `sweep` each combination of its values once, and a labelled sheet of them. `tap` sees
/// the tensors of the run (see Session::set_tap). Returns the exit code; throws Error, kCancelled
/// once the user has stopped it and what was drawn is written.
int run_script(const Settings& options, const Session::Tap& tap = nullptr,
               const job::Sweep& sweep = {});

}  // namespace sd::cli
