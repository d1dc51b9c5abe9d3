#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sd::runtime {

/// Which pages of an arena are lent out, which of the free ones may hold memory, and which are
/// lent next: the lowest place that is large enough. Neighbours that are free again become one
/// place. Numbers only: no memory. Not thread-safe.
class PagePlaces {
 public:
  /// `release(first, count)` is told of pages whose memory goes back to the system.
  PagePlaces(size_t pages, std::function<void(size_t, size_t)> release);

  /// The first page of the lowest place of `count` free ones; nothing where there is none.
  std::optional<size_t> find(size_t count) const;
  /// Lends `count` pages from `first` on, where `find` found them.
  void lend(size_t first, size_t count);
  /// False, and nothing done, if no block that is lent out begins there.
  bool give_back(size_t first);
  /// How many free pages may hold memory; of more, the highest are released.
  void set_keep(size_t pages);

  size_t in_use() const { return in_use_; }
  size_t kept() const { return kept_; }

 private:
  void release_surplus();

  std::function<void(size_t, size_t)> release_;
  std::map<size_t, size_t> free_;            // first page → pages; no two touch
  std::unordered_map<size_t, size_t> lent_;  // first page → pages
  std::vector<bool> touched_;                // by page, up to the highest that was ever lent
  size_t in_use_ = 0;
  size_t kept_ = 0;  // touched pages of free places
  size_t keep_ = 0;
};

}  // namespace sd::runtime
