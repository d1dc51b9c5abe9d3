#pragma once

#include <string>

#include "runtime/profile.h"

namespace sd::cli {

/// The profile for people: a line a zone, indented as the zones lie in one another, with calls,
/// seconds, the share of the whole run, and GFLOP and GFLOP/s where they are counted. What no zone
/// inside a zone accounts for is its line "other", unless it is below 0.1 % of the run.
std::string profile_table(const runtime::Profile& profile);

/// The profile for programs: {"seconds", "zones": [{"zone": "UNet/64x64/conv 3x3", "calls",
/// "seconds", "self_seconds", "gflop"}]}.
std::string profile_json(const runtime::Profile& profile);

}  // namespace sd::cli
