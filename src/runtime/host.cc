#include "runtime/host.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/strings.h"
#include "runtime/cuda_driver.h"
#include "runtime/cuda_library.h"

namespace sd {
namespace {

/// CPUs that cgroup v2's quota grants, rounded up; a large number where there is none.
int quota_cpus() {
  constexpr int kNoLimit = 1 << 20;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoLimit;
  const double cpus = std::strtod(quota.c_str(), nullptr) / period;
  return cpus > 0 ? std::max(1, static_cast<int>(std::ceil(cpus))) : kNoLimit;
}

/// The number in a file of one, if it holds one.
std::optional<uint64_t> number_in(const char* path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

/// A line of /proc/meminfo, in bytes; 0 where it is not there.
uint64_t meminfo(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::string word, unit;
  uint64_t kibibytes = 0;
  while (file >> word >> kibibytes && std::getline(file, unit)) {
    if (word == name + ":") return kibibytes << 10;
  }
  return 0;
}

/// Memory of the machine, within what cgroup v2 grants.
void probe_memory(HostInfo* host) {
  host->total_bytes = meminfo("MemTotal");
  host->free_bytes = meminfo("MemAvailable");
  const auto most = number_in("/sys/fs/cgroup/memory.max");  // "max": no limit
  const auto used = number_in("/sys/fs/cgroup/memory.current");
  if (!most || !used) return;
  host->total_bytes = std::min(host->total_bytes, *most);
  host->free_bytes = std::min(host->free_bytes, *most - std::min(*used, *most));
}

/// Why LibTorch cannot work with this driver; empty where it can. (A driver of CUDA 13 works with
/// all libraries of CUDA 13.)
std::string why_not_driver(const CudaDriver& driver, int runtime) {
  if (!driver.problem.empty()) return driver.problem;
  if (driver.version / 1000 >= runtime / 1000) return "";
  return format("the driver is for CUDA %d.%d, and LibTorch needs %d.0 or newer",
                driver.version / 1000, driver.version % 1000 / 10, runtime / 1000);
}

void probe_cards(HostInfo* host) {
  CudaDriver driver = probe_cuda_driver();
  host->cuda_driver = driver.version;
  host->cuda_runtime = cuda_runtime_version();
  host->why_no_cuda = why_not_driver(driver, host->cuda_runtime);
  host->cuda = std::move(driver.devices);
  if (!host->why_no_cuda.empty()) return;
  const CudaLibraries& libraries = open_cuda_libraries();
  host->why_no_cuda = libraries.why_not_torch;
  host->why_no_cuda_kernels = libraries.why_not_kernels;
  host->cuda_kernels = libraries.why_not_kernels.empty();
}

}  // namespace

HostInfo probe_host(bool cards) {
  HostInfo host;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) host.usable_cpus = CPU_COUNT(&mask);
  host.usable_cpus = std::clamp(host.usable_cpus, 1, quota_cpus());
  host.isa = probe_isa();
  probe_memory(&host);
  host.why_no_cuda = "not looked for";
  if (cards) probe_cards(&host);
  return host;
}

}  // namespace sd
