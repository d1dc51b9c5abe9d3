#include "runtime/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace sd {
namespace {

constexpr size_t kHugePage = size_t{1} << 21;
constexpr size_t kLarge = 2 * kHugePage;  // less comes from malloc

struct Block {
  void* data;
  size_t bytes;
};

/// Memory of its own in whole huge pages, at an address that is a multiple of one.
Block map_block(size_t bytes) {
  const size_t room = bytes + kHugePage;
  void* mapped = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* begin = static_cast<char*>(mapped);
  const size_t skip = -reinterpret_cast<uintptr_t>(begin) % kHugePage;
  if (skip > 0) ::munmap(begin, skip);
  ::munmap(begin + skip + bytes, kHugePage - skip);
  ::madvise(begin + skip, bytes, MADV_HUGEPAGE);  // a wish: small pages would do
  return {begin + skip, bytes};
}

class Pool final : public c10::Allocator {
 public:
  void set_limit(size_t keep) {
    const std::lock_guard lock(mutex_);
    keep_ = keep;
    drop_oldest();
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes < kLarge ? c10::alloc_cpu(bytes)
                                : take((bytes + kHugePage - 1) / kHugePage * kHugePage);
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
  /// The smallest kept block that is large enough and at most twice too large, or a new one.
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto best = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      const bool fits = it->bytes >= bytes && it->bytes <= 2 * bytes;
      if (fits && (best == kept_.end() || it->bytes < best->bytes)) best = it;
    }
    const Block block = best != kept_.end() ? *best : map_block(bytes);
    if (best != kept_.end()) kept_.erase(best);
    in_use_[block.data] = block.bytes;
    return block.data;
  }

  static void give_back(void* data) {
    if (reinterpret_cast<uintptr_t>(data) % kHugePage != 0 || !instance().keep(data)) {
      c10::free_cpu(data);
    }
  }

  /// False if the memory is not of this pool.
  bool keep(void* data) {
    const std::lock_guard lock(mutex_);
    const auto found = in_use_.find(data);
    if (found == in_use_.end()) return false;
    kept_.push_back({data, found->second});
    in_use_.erase(found);
    drop_oldest();
    return true;
  }

  void drop_oldest() {
    size_t total = 0;
    for (const Block& block : kept_) total += block.bytes;
    while (total > keep_) {
      total -= kept_.front().bytes;
      ::munmap(kept_.front().data, kept_.front().bytes);
      kept_.erase(kept_.begin());
    }
  }

  std::mutex mutex_;
  std::unordered_map<void*, size_t> in_use_;  // with their bytes
  std::vector<Block> kept_;                   // oldest first
  size_t keep_ = 0;
};

}  // namespace

int64_t pool_limit(MemoryMode memory) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
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

void pool_tensor_memory(size_t keep) {
  Pool::instance().set_limit(keep);
  c10::SetCPUAllocator(&Pool::instance(), /*priority=*/1);
}

}  // namespace sd
