#pragma once

#include "job/settings.h"

namespace sd::job {

/// Whether a run's pictures are checked, and by which weights: as --safety and --safety-ckpt say,
/// else as in the reference where the checker is at its default place, else not, which a notice
/// says. Throws kFile if the checker is asked for and not there.
SafetyOptions choose_safety(const Settings& options);

}  // namespace sd::job
