#include "runtime/out_of_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "runtime/tensor_memory.h"

namespace sd::runtime {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr) return false;
  constexpr std::array<const char*, 4> kWords = {
      "not enough memory", "allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED"};
  const std::string message = of_torch->what_without_backtrace();
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* words) { return message.find(words) != std::string::npos; });
}

void give_kept_memory_back(const ExecPolicy& policy) {
  if (policy.device.is_cpu()) {
    if (!policy.kernels.plain) {
      pool_tensor_memory(static_cast<size_t>(pool_limit(MemoryMode::kLow)));
    }
    return;
  }
  // By c10's table of allocators: the program is not linked with the card's.
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(policy.device.type()));
  if (allocator != nullptr && allocator->initialized()) allocator->emptyCache();
}

}  // namespace sd::runtime
