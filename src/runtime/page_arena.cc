#include "runtime/page_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace sd::runtime {
namespace {

constexpr size_t kPage = PageArena::kPage;

/// Addresses of so many pages, from a page's address on, without memory; null if there are none.
char* set_aside(size_t pages) {
  if (pages == 0) return nullptr;
  const size_t room = (pages + 1) * kPage;
  void* mapped =
      ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(mapped);
  const size_t skip = -reinterpret_cast<uintptr_t>(begin) % kPage;
  if (skip > 0) ::munmap(begin, skip);
  char* base = begin + skip;
  if (skip < kPage) ::munmap(base + pages * kPage, kPage - skip);
  ::madvise(base, pages * kPage, MADV_HUGEPAGE);  // a wish: small pages would do
  return base;
}

}  // namespace

PageArena::PageArena(size_t bytes)
    : base_(set_aside(bytes / kPage)),
      pages_(base_ != nullptr ? bytes / kPage : 0),
      places_(pages_, [this](size_t first, size_t count) {
        ::madvise(base_ + first * kPage, count * kPage, MADV_DONTNEED);
      }) {}

PageArena::~PageArena() {
  if (base_ != nullptr) ::munmap(base_, pages_ * kPage);
}

/// Lets the pages before `page` be touched; in steps, as each is a change of the address space.
bool PageArena::open_up_to(size_t page) {
  constexpr size_t kStep = 128;
  if (page <= open_) return true;
  for (const size_t to : {std::min(pages_, page + kStep), page}) {
    if (::mprotect(base_ + open_ * kPage, (to - open_) * kPage, PROT_READ | PROT_WRITE) == 0) {
      open_ = to;
      return true;
    }
  }
  return false;
}

void* PageArena::take(size_t bytes) {
  const size_t count = std::max<size_t>(1, (bytes + kPage - 1) / kPage);
  const std::optional<size_t> first = places_.find(count);
  if (!first || !open_up_to(*first + count)) return nullptr;
  places_.lend(*first, count);
  return base_ + *first * kPage;
}

bool PageArena::give_back(void* data) {
  const char* at = static_cast<const char*>(data);
  if (base_ == nullptr || at < base_ || at >= base_ + pages_ * kPage) return false;
  return places_.give_back(static_cast<size_t>(at - base_) / kPage);
}

}  // namespace sd::runtime
