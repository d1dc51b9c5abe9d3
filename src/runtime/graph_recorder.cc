#include "runtime/graph_recorder.h"

#include <mutex>
#include <utility>

#include "runtime/card_memory.h"

namespace sd::runtime {
namespace {

using SharedPool = std::shared_ptr<const c10::MempoolId_t>;

/// A recording, and the memory that it shares with others.
class InPool final : public Recording {
 public:
  InPool(SharedPool pool, std::unique_ptr<Recording> recording)
      : pool_(std::move(pool)), recording_(std::move(recording)) {}

  void replay() override { recording_->replay(); }

 private:
  SharedPool pool_;
  std::unique_ptr<Recording> recording_;
};

class GraphRecorder {
 public:
  explicit GraphRecorder(std::unique_ptr<GraphCard> card) : card_(std::move(card)) {}

  std::unique_ptr<Recording> record(const std::function<void()>& work) {
    const SharedPool shared = pool();
    std::unique_ptr<Recording> recording;
    card_->on_side_stream([&] {
      work();
      // While one card records, no thread gives memory back: that reaches all cards.
      const std::lock_guard lock(recording_lock());
      card_->give_kept_memory_back();
      recording = capture(*shared, work);
    });
    return std::make_unique<InPool>(shared, std::move(recording));
  }

 private:
  /// That of the recordings that live; a new one where none does.
  SharedPool pool() {
    SharedPool pool = pool_.lock();
    if (pool == nullptr) pool_ = pool = std::make_shared<const c10::MempoolId_t>(card_->new_pool());
    return pool;
  }

  std::unique_ptr<Recording> capture(const c10::MempoolId_t& pool,
                                     const std::function<void()>& work) {
    try {
      card_->begin(pool);
      work();
      return card_->end();
    } catch (...) {
      card_->drop(pool);
      throw;
    }
  }

  std::unique_ptr<GraphCard> card_;
  std::weak_ptr<const c10::MempoolId_t> pool_;
};

}  // namespace

Recorder graph_recorder(std::unique_ptr<GraphCard> card) {
  return [recorder = std::make_shared<GraphRecorder>(std::move(card))](
             const std::function<void()>& work) { return recorder->record(work); };
}

}  // namespace sd::runtime
