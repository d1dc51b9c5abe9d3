#include "runtime/shape_memory.h"

#include <c10/core/Allocator.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace sd {
namespace {

// As in tensor_memory.cc.
constexpr int64_t kHugePage = int64_t{1} << 21;
constexpr int64_t kLarge = 2 * kHugePage;

/// Counts, and gives no memory. (A tensor that outlives its run counts in the next one until it
/// goes.)
class Counter final : public c10::Allocator {
 public:
  void start(int64_t keep) {
    busy_.lock();
    const std::lock_guard lock(mutex_);
    keep_ = keep;
    kept_.clear();
    kept_bytes_ = 0;
    peak_ = live_;
    held_ = held_peak_ = live_;
  }
  void stop() { busy_.unlock(); }
  void set_keep(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    keep_ = bytes;
    drop_oldest();
  }
  void restart() {
    const std::lock_guard lock(mutex_);
    peak_ = live_;
    held_peak_ = held_ + kept_bytes_;
  }
  int64_t peak() const { return peak_; }
  int64_t held_peak() const { return held_peak_; }

  c10::DataPtr allocate(size_t size) override {
    const std::lock_guard lock(mutex_);
    auto* block = new Block{static_cast<int64_t>(size), static_cast<int64_t>(size)};
    live_ += block->bytes;
    if (keep_ >= 0 && block->bytes >= kLarge) {
      block->held = take((block->bytes + kHugePage - 1) / kHugePage * kHugePage);
    } else {
      held_ += block->held;
    }
    peak_ = std::max(peak_, live_);
    held_peak_ = std::max(held_peak_, held_ + kept_bytes_);
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
    int64_t bytes, held;
  };

  /// As the pool: the smallest kept block that is large enough and at most twice too large.
  int64_t take(int64_t bytes) {
    auto best = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if (*it >= bytes && *it <= 2 * bytes && (best == kept_.end() || *it < *best)) best = it;
    }
    int64_t held = bytes;
    if (best != kept_.end()) {
      held = *best;
      kept_bytes_ -= held;
      kept_.erase(best);
    }
    held_ += held;
    return held;
  }

  static void give_back(void* context) {
    Counter& counter = instance();
    const std::lock_guard lock(counter.mutex_);
    const auto* block = static_cast<const Block*>(context);
    counter.live_ -= block->bytes;
    counter.held_ -= block->held;
    if (counter.keep_ >= 0 && block->bytes >= kLarge) counter.keep(block->held);
    delete block;
  }

  void keep(int64_t held) {
    kept_.push_back(held);
    kept_bytes_ += held;
    drop_oldest();
  }

  void drop_oldest() {
    while (kept_bytes_ > 0 && kept_bytes_ > keep_) {
      kept_bytes_ -= kept_.front();
      kept_.erase(kept_.begin());
    }
  }

  std::mutex busy_;
  std::mutex mutex_;
  int64_t live_ = 0, peak_ = 0;
  int64_t held_ = 0, held_peak_ = 0;
  int64_t keep_ = -1;
  std::vector<int64_t> kept_;  // oldest first
  int64_t kept_bytes_ = 0;
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

}  // namespace sd
