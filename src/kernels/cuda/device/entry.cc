// The one function that libsd_cuda.so shows.

#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include <cstring>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/kernel_table.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/device/cuda_graph.h"

namespace sd::kernels {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

// The allocator knows of cards once it was started, which the first tensor on one does; these two
// may be asked before.
void start_allocator() { at::globalContext().lazyInitDevice(c10::kCUDA); }

uint64_t peak_bytes(const c10::Device& device) {
  start_allocator();
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<uint64_t>(allocator::getDeviceStats(device.index()).reserved_bytes[kAll].peak);
}

void reset_peak(const c10::Device& device) {
  start_allocator();
  allocator::resetPeakStats(device.index());
}

constexpr runtime::CudaRuntimeTable kRuntime{runtime::device::make_graph_card, peak_bytes,
                                             reset_peak};
constexpr cuda::KernelTable kKernels{cuda::device::make_conv2d, cuda::device::make_group_norm,
                                     cuda::device::make_geglu, cuda::device::make_guide,
                                     cuda::device::make_mix};

}  // namespace
}  // namespace sd::kernels

/// The table of that name, if the library has it in that version; null otherwise.
extern "C" [[gnu::visibility("default")]] const void* sd_cuda_table(const char* name, int version) {
  using sd::kernels::cuda::KernelTable;
  using sd::runtime::CudaRuntimeTable;
  if (std::strcmp(name, CudaRuntimeTable::kName) == 0 && version == CudaRuntimeTable::kVersion) {
    return &sd::kernels::kRuntime;
  }
  if (std::strcmp(name, KernelTable::kName) == 0 && version == KernelTable::kVersion) {
    return &sd::kernels::kKernels;
  }
  return nullptr;
}
