#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/kernel_policy.h"
#include "sd/options.h"

namespace sd::runtime {

/// A card, as its driver describes it.
struct CudaDevice {
  std::string name;
  int major = 0;  ///< compute capability
  int minor = 0;
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  ///< 0: not known
};

/// What the machine has. Made by `probe_host`, or by a test.
struct HostInfo {
  int usable_cpus = 1;  ///< of the affinity mask at the start, limited by the groups' quotas
  std::optional<int> omp_threads = std::nullopt;  ///< what OMP_NUM_THREADS asks for
  Isa isa = Isa::kPortable;
  uint64_t total_bytes = 0;  ///< of memory that this process may use; 0: not known
  uint64_t free_bytes = 0;   ///< of those, what could be had now
  std::vector<CudaDevice> cuda =
      {};                        ///< in the driver's order; `why_no_cuda` says if they can be used
  std::string why_no_cuda = "";  ///< why none of them can; empty where they can
  int cuda_driver = 0;           ///< the newest CUDA that the driver knows, 13000 for 13.0; 0: none
  int cuda_runtime = 0;          ///< the CUDA of LibTorch's libraries; 0: none
  bool cuda_kernels = false;     ///< our own library for cards is open
  std::string why_no_cuda_kernels = "";
};

/// The threads that a run takes where it is not told.
inline int default_threads(const HostInfo& host) {
  return host.omp_threads.value_or(host.usable_cpus);
}

/// Looks at the processor and, with `cards`, opens the driver and LibTorch's CUDA library if they
/// are there. Before any tensor of this process is on a card.
HostInfo probe_host(bool cards = true);

/// The host that these options can be about: without its cards where they say cpu.
inline HostInfo probe_host(const DeviceOptions& asked) { return probe_host(asked.device != "cpu"); }

}  // namespace sd::runtime
