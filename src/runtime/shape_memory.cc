#include "runtime/shape_memory.h"

#include <c10/core/Allocator.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "runtime/page_arena.h"
#include "runtime/tensor_memory.h"

namespace sd::runtime {
namespace {

constexpr auto kPageBytes = static_cast<int64_t>(PageArena::kPage);

/// Counts, and gives no memory. (A tensor that outlives its run counts in the next one until it
/// goes.)
class Counter final : public c10::Allocator {
 public:
  void start(int64_t keep) {
    busy_.lock();
    const std::lock_guard lock(mutex_);
    places_.reset();
    if (keep >= 0) {
      constexpr size_t kEnough = size_t{1} << 32;
      places_ = std::make_shared<PagePlaces>(kEnough, [](size_t, size_t) {});
      places_->set_keep(static_cast<size_t>(keep / kPageBytes));
    }
    peak_ = live_;
    held_peak_ = held();
  }
  void stop() { busy_.unlock(); }
  void set_keep(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (places_) places_->set_keep(static_cast<size_t>(bytes / kPageBytes));
  }
  void restart() {
    const std::lock_guard lock(mutex_);
    peak_ = live_;
    held_peak_ = held();
  }
  int64_t peak() const { return peak_; }
  int64_t held_peak() const { return held_peak_; }

  c10::DataPtr allocate(size_t size) override {
    const std::lock_guard lock(mutex_);
    auto* block = new Block{static_cast<int64_t>(size), nullptr, 0};
    live_ += block->bytes;
    if (places_ && size >= kLeastPooled) {
      const size_t count = (size + PageArena::kPage - 1) / PageArena::kPage;
      block->places = places_;
      block->first = *places_->find(count);
      places_->lend(block->first, count);
    } else {
      small_ += block->bytes;
    }
    peak_ = std::max(peak_, live_);
    held_peak_ = std::max(held_peak_, held());
    return {nullptr, block, give_back, c10::Device(c10::DeviceType::Meta)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return give_back; }
  void copy_data(void*, const void*, size_t) const override {}

  static Counter& instance() {
    static Counter* counter = new Counter;  // never destroyed, as tensors may outlive it
    return *counter;
  }

 private:
  struct Block {
    int64_t bytes;
    std::shared_ptr<PagePlaces> places;  // null: not of the pool
    size_t first;
  };

  int64_t held() const {
    return small_ +
           (places_ ? static_cast<int64_t>(places_->in_use() + places_->kept()) * kPageBytes : 0);
  }

  static void give_back(void* context) {
    Counter& counter = instance();
    const std::lock_guard lock(counter.mutex_);
    const std::unique_ptr<const Block> block(static_cast<const Block*>(context));
    counter.live_ -= block->bytes;
    if (block->places) {
      block->places->give_back(block->first);
    } else {
      counter.small_ -= block->bytes;
    }
  }

  std::mutex busy_;
  std::mutex mutex_;
  int64_t live_ = 0, peak_ = 0;
  int64_t small_ = 0;  // bytes of live blocks that are not of the pool
  int64_t held_peak_ = 0;
  std::shared_ptr<PagePlaces> places_;  // null: there is no pool
};

}  // namespace

ShapeMemory::ShapeMemory(int64_t keep) {
  static const bool installed = [] {
    c10::SetAllocator(c10::DeviceType::Meta, &Counter::instance(), /*priority=*/1);
    return true;
  }();
  static_cast<void>(installed);
  Counter::instance().start(keep);
}

ShapeMemory::~ShapeMemory() { Counter::instance().stop(); }

void ShapeMemory::keep(int64_t bytes) { Counter::instance().set_keep(bytes); }

void ShapeMemory::restart() { Counter::instance().restart(); }

int64_t ShapeMemory::peak() const { return Counter::instance().peak(); }
int64_t ShapeMemory::held_peak() const { return Counter::instance().held_peak(); }

}  // namespace sd::runtime
