#pragma once

#include <cstdint>
#include <string>

namespace sd {

/// Bytes that this process can still take without pushing anything out: what the system has
/// available, and no more than the control groups (cgroup v2) that it is in still allow. A large
/// number where nothing is known. (A limit on address space is none on memory: mapped files count.)
int64_t free_memory();

/// Bytes of the machine's memory, or of what its control group may have where that is less; 0 where
/// nothing is known.
int64_t total_memory();

/// The bytes that a text like /proc/meminfo or memory.stat gives for `key`; -1 if it has none.
int64_t memory_value(const std::string& text, const std::string& key);

}  // namespace sd
