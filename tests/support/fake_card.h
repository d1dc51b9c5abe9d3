#pragma once

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace sd::test {

/// Stands in for c10's table entries of the device "cuda", its devices and its allocator, while it
/// lives, and writes down what is asked of them.
class FakeCard final : public c10::impl::DeviceGuardImplInterface {
 public:
  FakeCard() : before_(c10::impl::device_guard_impl_registry[kPlace].load()), allocator_(this) {
    c10::impl::device_guard_impl_registry[kPlace] = this;
    c10::SetAllocator(kType, &allocator_);
  }
  ~FakeCard() override {
    c10::impl::device_guard_impl_registry[kPlace] = before_;
    c10::SetAllocator(kType, nullptr);
  }
  FakeCard(const FakeCard&) = delete;
  FakeCard& operator=(const FakeCard&) = delete;

  /// "record 1", "wait 1", "wait for all of card 0", "give back", in their order.
  mutable std::vector<std::string> asked;
  /// Called when kept memory is given back.
  std::function<void()> on_give_back;
  size_t free_bytes = 0;

  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    current_ = device.index();
    return before;
  }
  c10::Device getDevice() const override { return {kType, current_}; }
  void setDevice(c10::Device device) const override { current_ = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current_ = device.index(); }
  c10::Stream getStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 2; }

  void record(void** event, const c10::Stream& /*stream*/, c10::DeviceIndex /*index*/,
              c10::EventFlag /*flag*/) const override {
    *event = reinterpret_cast<void*>(++events_);
    asked.push_back("record " + std::to_string(events_));
  }
  void destroyEvent(void* /*event*/, c10::DeviceIndex /*index*/) const noexcept override {}
  void synchronizeEvent(void* event) const override {
    asked.push_back("wait " + std::to_string(reinterpret_cast<uintptr_t>(event)));
  }
  void synchronizeDevice(c10::DeviceIndex index) const override {
    asked.push_back("wait for all of card " + std::to_string(index));
  }

 private:
  static constexpr c10::DeviceType kType = c10::DeviceType::CUDA;
  static constexpr auto kPlace = static_cast<size_t>(kType);

  class Memory final : public c10::DeviceAllocator {
   public:
    explicit Memory(FakeCard* card) : card_(*card) {}

    bool initialized() override { return true; }
    void emptyCache(c10::MempoolId_t /*pool*/) override {
      card_.asked.emplace_back("give back");
      if (card_.on_give_back) card_.on_give_back();
    }
    std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex /*index*/) override {
      return {card_.free_bytes, card_.free_bytes};
    }
    void recordStream(const c10::DataPtr& /*data*/, c10::Stream /*stream*/) override {}
    c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*index*/) override {
      return {};
    }
    void resetAccumulatedStats(c10::DeviceIndex /*index*/) override {}
    void resetPeakStats(c10::DeviceIndex /*index*/) override {}
    c10::DataPtr allocate(size_t /*bytes*/) override { return {}; }
    void copy_data(void* /*to*/, const void* /*from*/, size_t /*bytes*/) const override {}

   private:
    FakeCard& card_;
  };

  const c10::impl::DeviceGuardImplInterface* before_;
  Memory allocator_;
  mutable c10::DeviceIndex current_ = 0;
  mutable uintptr_t events_ = 0;
};

}  // namespace sd::test
