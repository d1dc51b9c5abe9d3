#pragma once

#include <cstddef>
#include <cstdint>

namespace sd::kernels::cpu {

/// Floats in memory of their own, aligned to a cache line and not initialised. Large ones ask the
/// kernel for huge pages, which spares the reader of a whole weight a miss for every 4 KiB.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  explicit HugeBuffer(int64_t floats);  ///< throws std::bad_alloc
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;

  float* data() { return data_; }
  const float* data() const { return data_; }

 private:
  void* mapping_ = nullptr;
  size_t bytes_ = 0;  // of the mapping
  float* data_ = nullptr;
};

}  // namespace sd::kernels::cpu
