#include "runtime/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
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
    if (bytes < kLarge) return c10::GetDefaultCPUAllocator()->allocate(bytes);
    const Block block = take((bytes + kHugePage - 1) / kHugePage * kHugePage);
    return {block.data, new Block(block), give_back, c10::Device(c10::DeviceType::CPU)};
  }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

  static Pool& instance() {
    static Pool* pool = new Pool;  // never destroyed: tensors may outlive every static object
    return *pool;
  }

 private:
  /// The smallest kept block that is large enough and not much too large, or a new one.
  Block take(size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      auto best = kept_.end();
      for (auto it = kept_.begin(); it != kept_.end(); ++it) {
        const bool fits = it->bytes >= bytes && it->bytes <= bytes + bytes / 4;
        if (fits && (best == kept_.end() || it->bytes < best->bytes)) best = it;
      }
      if (best != kept_.end()) {
        const Block block = *best;
        kept_.erase(best);
        return block;
      }
    }
    return map_block(bytes);
  }

  static void give_back(void* context) {
    Block* block = static_cast<Block*>(context);
    Pool& pool = instance();
    const std::lock_guard lock(pool.mutex_);
    pool.kept_.push_back(*block);
    pool.drop_oldest();
    delete block;
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
  std::vector<Block> kept_;  // oldest first
  size_t keep_ = 0;
};

}  // namespace

void pool_tensor_memory(size_t keep) {
  Pool::instance().set_limit(keep);
  c10::SetCPUAllocator(&Pool::instance(), /*priority=*/1);
}

}  // namespace sd
