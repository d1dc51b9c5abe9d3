#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sd::text {

/// A map from the characters of the Basic Multilingual Plane to small values, made for a few
/// hundred entries in a few blocks: one page for each 256 characters that have any.
template <typename T>
class PageTable {
 public:
  PageTable() : pages_(1) {}

  /// The value of `c` (below 0x10000), to be set.
  T& at(char32_t c) {
    uint8_t& page = page_of_[c >> 8];
    if (page == 0) {
      page = static_cast<uint8_t>(pages_.size());
      pages_.emplace_back();
    }
    return pages_[page][c & 0xFF];
  }

  /// The value of any `c`; T() where none was set.
  const T& operator[](char32_t c) const {
    return pages_[c < 0x10000 ? page_of_[c >> 8] : 0][c & 0xFF];
  }

 private:
  std::array<uint8_t, 256> page_of_{};     // 0: the empty page
  std::vector<std::array<T, 256>> pages_;  // value-initialised
};

}  // namespace sd::text
