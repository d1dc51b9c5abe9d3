#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace sd::runtime {

/// A folder of the control groups' file systems that holds limits of this process.
struct GroupFolder {
  std::filesystem::path path;
  int version = 2;  ///< 1: a hierarchy of its own for each controller; 2: one for all
};

/// What the control groups of a process let it use. Swap is not counted.
struct GroupLimits {
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  int64_t memory = kNone;       ///< bytes that the group may have
  int64_t free_memory = kNone;  ///< of those, what it can still take: pages of files make room
  double cpus = std::numeric_limits<double>::infinity();  ///< processors' worth of time
};

/// The folders that limit `controller` ("memory", "cpu") for this process: its own group's, and all
/// above it up to where the file system is mounted, of both versions. `root` stands before /proc
/// and before the mount points: a test gives a folder with such a tree.
std::vector<GroupFolder> group_folders(const std::string& controller,
                                       const std::filesystem::path& root = "/");

/// The least that any of the groups allows.
GroupLimits group_limits(const std::filesystem::path& root = "/");

/// The number that a text like /proc/meminfo or memory.stat gives for `key`, in bytes where it says
/// kB; -1 if it has none.
int64_t memory_value(const std::string& text, const std::string& key);

/// What is in a file; empty where it cannot be read.
std::string text_of(const std::filesystem::path& file);

}  // namespace sd::runtime
