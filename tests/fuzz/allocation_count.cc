#include "allocation_count.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local size_t live = 0;
thread_local size_t peak_live = 0;
thread_local size_t start = 0;

void* count(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  live += malloc_usable_size(block);
  peak_live = std::max(peak_live, live);
  return block;
}

void release(void* block) {
  // A block of another thread may come back here: the sum must not fall below zero.
  live -= std::min(live, malloc_usable_size(block));
  std::free(block);
}

}  // namespace

// Replacing these two pairs replaces every form but the nothrow and array ones, which call them.
void* operator new(size_t size) { return count(std::malloc(std::max<size_t>(size, 1))); }
void operator delete(void* block) noexcept { release(block); }
void operator delete(void* block, size_t) noexcept { release(block); }
void* operator new(size_t size, std::align_val_t alignment) {
  const auto step = static_cast<size_t>(alignment);
  return count(std::aligned_alloc(step, (std::max<size_t>(size, 1) + step - 1) / step * step));
}
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { release(block); }

namespace sd::test {

AllocationCount::AllocationCount() {
  start = live;
  peak_live = live;
}

size_t AllocationCount::peak() const { return peak_live - start; }

}  // namespace sd::test
