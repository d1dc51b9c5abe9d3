#include "runtime/free_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <string>

#include "runtime/control_groups.h"

namespace sd::runtime {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

/// The lower one of a process's two limits, in bytes.
int64_t limit(int resource) {
  struct rlimit of = {};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &of) != 0) return kUnknown;
  if (of.rlim_cur == RLIM_INFINITY) return kUnknown;
  return static_cast<int64_t>(std::min<rlim_t>(of.rlim_cur, static_cast<rlim_t>(kUnknown)));
}

/// What a limit leaves of what /proc/self/status says is used.
int64_t left(int resource, const std::string& status, const char* used) {
  const int64_t most = limit(resource);
  if (most == kUnknown) return kUnknown;
  return std::max<int64_t>(0, most - std::max<int64_t>(0, memory_value(status, used)));
}

}  // namespace

int64_t total_memory(const fs::path& root) {
  const int64_t machine = memory_value(text_of(root / "proc/meminfo"), "MemTotal");
  const int64_t most = std::min({group_limits(root).memory, limit(RLIMIT_AS), limit(RLIMIT_DATA)});
  if (machine < 0) return most == kUnknown ? 0 : most;
  return std::min(machine, most);
}

int64_t free_memory(const fs::path& root) {
  const int64_t available = memory_value(text_of(root / "proc/meminfo"), "MemAvailable");
  const std::string status = text_of(root / "proc/self/status");
  return std::min({available < 0 ? kUnknown : available, group_limits(root).free_memory,
                   left(RLIMIT_AS, status, "VmSize"), left(RLIMIT_DATA, status, "VmData")});
}

}  // namespace sd::runtime
