#include "runtime/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>

#include "runtime/page_arena.h"

namespace sd::runtime {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

/// Addresses cost nothing: twice the memory of the machine leaves room between blocks. Where they
/// are limited (ulimit -v), none are set aside, and all tensors come from malloc.
size_t addresses() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) return 0;
  const long pages = ::sysconf(_SC_PHYS_PAGES), bytes = ::sysconf(_SC_PAGE_SIZE);
  return pages > 0 && bytes > 0 ? 2 * static_cast<size_t>(pages) * static_cast<size_t>(bytes) : 0;
}

class Pool final : public c10::Allocator {
 public:
  void set_limit(size_t keep) {
    const std::lock_guard lock(mutex_);
    arena_.set_keep(keep);
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes < kLeastPooled ? nullptr : take(bytes);
    if (data == nullptr) data = c10::alloc_cpu(bytes);
    return {data, data, give_back, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return give_back; }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

  static Pool& instance() {
    static Pool* pool = new Pool;  // never destroyed: tensors may outlive every static object
    return *pool;
  }

 private:
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    return arena_.take(bytes);
  }

  bool take_back(void* data) {
    const std::lock_guard lock(mutex_);
    return arena_.give_back(data);
  }

  static void give_back(void* data) {
    const bool aligned = reinterpret_cast<uintptr_t>(data) % PageArena::kPage == 0;
    if (!aligned || !instance().take_back(data)) c10::free_cpu(data);
  }

  std::mutex mutex_;
  PageArena arena_{addresses()};
};

}  // namespace

int64_t pool_limit(MemoryMode memory) {
  switch (memory) {
    case MemoryMode::kFast:
      return 2048 * kMebibyte;
    case MemoryMode::kBalanced:
      return 1024 * kMebibyte;
    case MemoryMode::kLow:
      break;
  }
  return 128 * kMebibyte;
}

int64_t pool_limit_in_strips(MemoryMode memory) {
  return std::min(pool_limit(memory), 512 * kMebibyte);
}

void pool_tensor_memory(size_t keep) {
  Pool::instance().set_limit(keep);
  static std::once_flag installed;
  std::call_once(installed, [] {
    // What is smaller stays with malloc's heap: mapped and unmapped, each page would cost a fault.
    ::mallopt(M_MMAP_THRESHOLD, static_cast<int>(kLeastPooled));
    ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(16 * kLeastPooled));
    c10::SetCPUAllocator(&Pool::instance(), /*priority=*/1);
  });
}

}  // namespace sd::runtime
