#include "runtime/free_memory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// What one group still allows: pages of files that it holds would make room.
int64_t allowed_by(const fs::path& group) {
  int64_t most = 0, used = 0;
  std::ifstream limit(group / "memory.max"), current(group / "memory.current");
  if (!(limit >> most) || !(current >> used)) return kUnknown;  // "max": none
  const int64_t files = memory_value(text_of(group / "memory.stat"), "inactive_file");
  return std::max<int64_t>(0, most - used + std::max<int64_t>(0, files));
}

/// The path of this process's group below the mount, from the line "0::/path".
fs::path own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("0::/", 0) == 0) return line.substr(4);
  }
  return {};
}

}  // namespace

int64_t memory_value(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, unit;
    int64_t value = 0;
    if (!(words >> word >> value) || (word != key && word != key + ":")) continue;
    return words >> unit && unit == "kB" ? value * 1024 : value;
  }
  return -1;
}

int64_t total_memory() {
  const int64_t bytes = std::max<int64_t>(0, memory_value(text_of("/proc/meminfo"), "MemTotal"));
  int64_t most = 0;
  std::ifstream limit("/sys/fs/cgroup/memory.max");  // "max": none
  return limit >> most ? std::min(bytes, most) : bytes;
}

int64_t free_memory() {
  const int64_t available = memory_value(text_of("/proc/meminfo"), "MemAvailable");
  int64_t bytes = available < 0 ? kUnknown : available;
  const fs::path root = "/sys/fs/cgroup";
  for (fs::path group = root / own_group();; group = group.parent_path()) {
    bytes = std::min(bytes, allowed_by(group));
    if (group == root || !group.has_relative_path()) break;
  }
  return bytes;
}

}  // namespace sd
