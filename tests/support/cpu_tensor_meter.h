#pragma once

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <unordered_map>

namespace sd::test {

/// Counts the bytes that ATen allocates on the CPU, of every tensor and temporary. Install it once,
/// before tensors that are to be counted; it stays.
class CpuTensorMeter final : public c10::Allocator {
 public:
  static CpuTensorMeter& install() {
    static CpuTensorMeter* meter = new CpuTensorMeter;  // never destroyed, as tensors outlive it
    c10::SetCPUAllocator(meter, /*priority=*/100);
    return *meter;
  }

  /// Counts the most from now on.
  void restart() {
    const std::lock_guard lock(mutex_);
    peak_ = live_;
  }
  int64_t live() const { return live_; }
  int64_t peak() const { return peak_; }

  /// From now on no more than so many live bytes are given: beyond, there is the error that a
  /// card's allocator throws.
  void set_limit(int64_t bytes) { limit_ = bytes; }

  /// The next tensor of so many bytes or more is not given, with the same error.
  void fail_once_at(int64_t bytes) { fails_at_ = bytes; }

  c10::DataPtr allocate(size_t bytes) override {
    if (static_cast<int64_t>(bytes) >= fails_at_) {
      fails_at_ = std::numeric_limits<int64_t>::max();
      TORCH_CHECK_WITH(OutOfMemoryError, false, "the test gives no ", bytes, " bytes");
    }
    TORCH_CHECK_WITH(OutOfMemoryError, live_ + static_cast<int64_t>(bytes) <= limit_,
                     "the test's memory is too small for ", bytes, " bytes");
    void* data = c10::alloc_cpu(bytes);
    const std::lock_guard lock(mutex_);
    if (data != nullptr) sizes_[data] = static_cast<int64_t>(bytes);
    live_ += data != nullptr ? static_cast<int64_t>(bytes) : 0;
    peak_ = std::max(peak_, live_);
    return {data, data, give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

 private:
  static void give_back(void* data) {
    auto& meter = static_cast<CpuTensorMeter&>(*c10::GetCPUAllocator());
    {
      const std::lock_guard lock(meter.mutex_);
      const auto found = meter.sizes_.find(data);
      if (found != meter.sizes_.end()) {
        meter.live_ -= found->second;
        meter.sizes_.erase(found);
      }
    }
    c10::free_cpu(data);
  }

  std::mutex mutex_;
  std::unordered_map<void*, int64_t> sizes_;
  int64_t live_ = 0;
  int64_t peak_ = 0;
  int64_t limit_ = std::numeric_limits<int64_t>::max();
  int64_t fails_at_ = std::numeric_limits<int64_t>::max();
};

}  // namespace sd::test
