#include "runtime/page_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

namespace sd {

PageArena::PageArena(size_t bytes) {
  pages_ = bytes / kPage;
  if (pages_ == 0) return;
  const size_t room = (pages_ + 1) * kPage;  // to begin at a page's address
  void* mapped =
      ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    pages_ = 0;
    return;
  }
  char* begin = static_cast<char*>(mapped);
  const size_t skip = -reinterpret_cast<uintptr_t>(begin) % kPage;
  if (skip > 0) ::munmap(begin, skip);
  base_ = begin + skip;
  if (skip < kPage) ::munmap(base_ + pages_ * kPage, kPage - skip);
  ::madvise(base_, pages_ * kPage, MADV_HUGEPAGE);  // a wish: small pages would do
  free_[0] = pages_;
  touched_.resize(pages_);
}

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
  for (auto place = free_.begin(); place != free_.end(); ++place) {
    const auto [first, length] = *place;
    if (length < count) continue;
    if (!open_up_to(first + count)) return nullptr;
    free_.erase(place);
    if (length > count) free_[first + count] = length - count;
    lent_[first] = count;
    in_use_ += count * kPage;
    for (size_t page = first; page < first + count; ++page) {
      if (touched_[page]) --kept_pages_;
      touched_[page] = true;
    }
    return base_ + first * kPage;
  }
  return nullptr;
}

bool PageArena::give_back(void* data) {
  const char* at = static_cast<const char*>(data);
  if (base_ == nullptr || at < base_ || at >= base_ + pages_ * kPage) return false;
  const auto lent = lent_.find(static_cast<size_t>(at - base_) / kPage);
  if (lent == lent_.end()) return false;
  size_t first = lent->first, count = lent->second;
  lent_.erase(lent);
  in_use_ -= count * kPage;
  kept_pages_ += count;

  auto after = free_.upper_bound(first);
  if (after != free_.begin() && std::prev(after)->first + std::prev(after)->second == first) {
    first = std::prev(after)->first;
    count += std::prev(after)->second;
  }
  if (after != free_.end() && first + count == after->first) {
    count += after->second;
    free_.erase(after);
  }
  free_[first] = count;
  release_surplus();
  return true;
}

void PageArena::set_keep(size_t bytes) {
  keep_ = bytes;
  release_surplus();
}

void PageArena::release_surplus() {
  for (auto place = free_.rbegin(); place != free_.rend() && kept() > keep_; ++place) {
    const size_t first = place->first;
    size_t end = std::min(first + place->second, open_);
    while (end > first && kept() > keep_) {  // a run of touched pages at a time
      while (end > first && !touched_[end - 1]) --end;
      size_t begin = end;
      while (begin > first && touched_[begin - 1] && kept() > keep_) {
        touched_[--begin] = false;
        --kept_pages_;
      }
      if (begin < end) ::madvise(base_ + begin * kPage, (end - begin) * kPage, MADV_DONTNEED);
      end = begin;
    }
  }
}

}  // namespace sd
