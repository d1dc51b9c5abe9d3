#pragma once

#include <cstdint>

namespace sd::runtime {

/// What the tensors of the device "meta" would take if they had memory. One counts at a time.
class ShapeMemory {
 public:
  /// Counts from now on. `keep`: bytes of large tensors that are kept for the next ones, as
  /// `pool_tensor_memory` does; negative: there is no such pool.
  explicit ShapeMemory(int64_t keep);
  ~ShapeMemory();
  ShapeMemory(const ShapeMemory&) = delete;
  ShapeMemory& operator=(const ShapeMemory&) = delete;

  /// Keeps so much from now on.
  void keep(int64_t bytes);
  /// Forgets what was most until now.
  void restart();
  /// The most bytes that tensors had at a time.
  int64_t peak() const;
  /// The most that they had with what was kept beside them, in whole pages.
  int64_t held_peak() const;
};

}  // namespace sd::runtime
