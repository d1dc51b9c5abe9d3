#pragma once

#include <cstddef>
#include <cstdint>

namespace sd::runtime {

/// The place of a mapped file, known to the handler of SIGBUS while this lives: where a page cannot
/// be read any more, since the file was cut or its disk failed, the handler puts zeros in its
/// place, in all of the range from there on, and notes it. What was computed since is then worth
/// nothing.
class MappedRange {
 public:
  MappedRange(const void* begin, size_t bytes);
  ~MappedRange();
  MappedRange(const MappedRange&) = delete;
  MappedRange& operator=(const MappedRange&) = delete;

  /// Whether zeros stand in the place of a part of the file.
  bool lost_pages() const;

 private:
  size_t slot_;
};

/// The end of the range that holds `address`; 0 where none does.
uintptr_t end_of_mapped_range(uintptr_t address);

}  // namespace sd::runtime
