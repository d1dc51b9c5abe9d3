#include "runtime/page_places.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sd::runtime {

PagePlaces::PagePlaces(size_t pages, std::function<void(size_t, size_t)> release)
    : release_(std::move(release)) {
  if (pages > 0) free_[0] = pages;
}

std::optional<size_t> PagePlaces::find(size_t count) const {
  for (const auto& [first, length] : free_) {
    if (length >= count) return first;
  }
  return std::nullopt;
}

void PagePlaces::lend(size_t first, size_t count) {
  const auto place = free_.find(first);
  const size_t length = place->second;
  free_.erase(place);
  if (length > count) free_[first + count] = length - count;
  lent_[first] = count;
  in_use_ += count;
  touched_.resize(std::max(touched_.size(), first + count));
  for (size_t page = first; page < first + count; ++page) {
    if (touched_[page]) --kept_;
    touched_[page] = true;
  }
}

bool PagePlaces::give_back(size_t first) {
  const auto lent = lent_.find(first);
  if (lent == lent_.end()) return false;
  size_t count = lent->second;
  lent_.erase(lent);
  in_use_ -= count;
  kept_ += count;

  const auto after = free_.upper_bound(first);
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

void PagePlaces::set_keep(size_t pages) {
  keep_ = pages;
  release_surplus();
}

void PagePlaces::release_surplus() {
  for (auto place = free_.rbegin(); place != free_.rend() && kept_ > keep_; ++place) {
    const size_t first = place->first;
    size_t end = std::min(first + place->second, touched_.size());
    while (end > first && kept_ > keep_) {  // a run of touched pages at a time
      while (end > first && !touched_[end - 1]) --end;
      size_t begin = end;
      while (begin > first && touched_[begin - 1] && kept_ > keep_) {
        touched_[--begin] = false;
        --kept_;
      }
      if (begin < end) release_(begin, end - begin);
      end = begin;
    }
  }
}

}  // namespace sd::runtime
