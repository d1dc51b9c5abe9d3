#pragma once

#include <cstddef>

namespace sd::test {

/// Counts what operator new hands out on this thread while it lives: the largest sum of live bytes
/// beyond those at its start. One at a time.
class AllocationCount {
 public:
  AllocationCount();
  size_t peak() const;
};

}  // namespace sd::test
