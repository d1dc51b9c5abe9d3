#pragma once

#include <cstddef>

#include "runtime/page_places.h"

namespace sd::runtime {

/// A range of addresses whose huge pages are lent out and taken back. A block is cut from the
/// lowest place that is large enough, and neighbours that are free again become one place, so that
/// what is in use, and what was used before, lies together at the low end and is used again. Not
/// thread-safe.
class PageArena {
 public:
  static constexpr size_t kPage = size_t{1} << 21;

  /// Sets `bytes` of addresses aside, rounded down to whole pages; no memory. Where the system
  /// refuses, the arena is empty and lends nothing.
  explicit PageArena(size_t bytes);
  ~PageArena();
  PageArena(const PageArena&) = delete;
  PageArena& operator=(const PageArena&) = delete;

  /// A block of at least `bytes`, at a multiple of kPage; null where there is no place or the
  /// system grants no more memory. Its content is left over or zeros.
  void* take(size_t bytes);

  /// False, and nothing done, if `data` is no block of this arena.
  bool give_back(void* data);

  /// How much memory of free places may stay with the process: what is more goes back to the
  /// system, from the highest address down.
  void set_keep(size_t bytes) { places_.set_keep(bytes / kPage); }

  /// Bytes in blocks that are lent out, and bytes of free places that the process still has.
  size_t in_use() const { return places_.in_use() * kPage; }
  size_t kept() const { return places_.kept() * kPage; }

 private:
  bool open_up_to(size_t page);

  char* base_ = nullptr;
  size_t pages_ = 0;
  size_t open_ = 0;  // pages from the base on that may be touched
  PagePlaces places_;
};

}  // namespace sd::runtime
