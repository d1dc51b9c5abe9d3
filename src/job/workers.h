#pragma once

#include <vector>

#include "runtime/exec_policy.h"
#include "sd/settings.h"

namespace sd::job {

/// What computes on each of `devices`, one worker each. Workers on the CPU get a share of its
/// threads and free memory. Pure. Throws kUsage for a card that is named twice, and as `resolve`.
std::vector<runtime::ExecPolicy> resolve_workers(const Settings& settings,
                                                 const runtime::HostInfo& host);

}  // namespace sd::job
