#include "runtime/card_memory.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>

namespace sd::runtime {
namespace {

/// By c10's table of allocators: the program is not linked with the cards'. Null where there is
/// none that has been started.
c10::DeviceAllocator* started_allocator() {
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA));
  return allocator != nullptr && allocator->initialized() ? allocator : nullptr;
}

}  // namespace

std::mutex& recording_lock() {
  static std::mutex lock;
  return lock;
}

void give_kept_card_memory_back() {
  const std::lock_guard lock(recording_lock());
  if (auto* allocator = started_allocator()) allocator->emptyCache();
}

int64_t free_on_card(const c10::Device& device) {
  auto* allocator = started_allocator();
  if (allocator == nullptr) return INT64_MAX;
  try {
    const size_t free = allocator->getMemoryInfo(device.index()).first;
    return static_cast<int64_t>(std::min<uint64_t>(free, INT64_MAX));
  } catch (const c10::NotImplementedError&) {
    return INT64_MAX;
  }
}

}  // namespace sd::runtime
