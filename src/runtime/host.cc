#include "runtime/host.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "runtime/control_groups.h"
#include "runtime/cuda_driver.h"
#include "runtime/cuda_library.h"
#include "runtime/free_memory.h"
#include "runtime/openmp.h"
#include "runtime/start_affinity.h"

namespace sd::runtime {
namespace {

/// CPUs whose time the control groups grant, rounded up; a large number where they do not say.
int quota_cpus() {
  constexpr double kNoLimit = 1 << 20;
  return static_cast<int>(std::clamp(std::ceil(group_limits().cpus), 1.0, kNoLimit));
}

/// The first driver of a version of CUDA, as NVIDIA's release notes of CUDA 13.0 name it.
constexpr int kFirstDriverOf13 = 580;

/// Why LibTorch cannot work with this driver; empty where it can. (A driver of CUDA 13 works with
/// all libraries of CUDA 13.)
std::string why_not_driver(const CudaDriver& driver, int runtime) {
  if (!driver.problem.empty()) return driver.problem;
  if (driver.version / 1000 >= runtime / 1000) return "";
  return fmt::format(
      "the driver is for CUDA {}.{}, and LibTorch needs {}.0: driver {} or newer, from "
      "https://www.nvidia.com/drivers or the system's packages",
      driver.version / 1000, driver.version % 1000 / 10, runtime / 1000, kFirstDriverOf13);
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
  host.usable_cpus = std::min(cpus_at_start(), quota_cpus());
  host.omp_threads = threads_asked_for(std::getenv("OMP_NUM_THREADS"));
  host.isa = probe_isa();
  host.total_bytes = static_cast<uint64_t>(total_memory());
  host.free_bytes = std::min(host.total_bytes, static_cast<uint64_t>(free_memory()));
  host.why_no_cuda = "not looked for";
  if (cards) probe_cards(&host);
  return host;
}

}  // namespace sd::runtime
