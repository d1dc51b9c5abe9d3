#pragma once

#include <cstdint>
#include <filesystem>

namespace sd::runtime {

/// Bytes that this process can still take without pushing anything out: what the system has
/// available, and no more than its control groups (`group_limits`) and its limits on address space
/// and data (ulimit -v, -d) still allow. Swap is not counted. A large number where nothing is
/// known. `root`: as of group_limits.
int64_t free_memory(const std::filesystem::path& root = "/");

/// Bytes of the machine's memory, or of what a control group or limit lets this process have where
/// that is less; 0 where nothing is known.
int64_t total_memory(const std::filesystem::path& root = "/");

}  // namespace sd::runtime
