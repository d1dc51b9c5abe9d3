#pragma once

#include "sd/settings.h"

// Settings that do not go together, told before anything is loaded.

namespace sd::cli {

/// Whether a run says where its time went.
bool is_profiled(const Settings& settings);

/// Throws kUsage for what a run of txt2img or img2img, or a job of theirs, cannot be asked at once.
/// `sweeps`: whether --sweep is given.
void check_run(const Settings& settings, bool sweeps);

/// Throws kUsage for what --serve, which draws one picture a request into a folder, would have to
/// leave aside.
void check_serve(const Settings& settings, bool sweeps);

}  // namespace sd::cli
