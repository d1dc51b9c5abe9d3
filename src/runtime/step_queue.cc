#include "runtime/step_queue.h"

#include <utility>

namespace sd::runtime {
namespace {

StepQueue::Mark mark_on(const c10::Device& device) {
  if (device.is_cpu()) return nullptr;
  return [device] { return mark_card(device); };
}

}  // namespace

StepQueue::StepQueue(const c10::Device& device) : StepQueue(mark_on(device)) {}

void StepQueue::step_given() {
  constexpr size_t kAhead = 2;
  if (!mark_) return;
  given_.push_back(mark_());
  if (given_.size() <= kAhead) return;
  const CardWait first = std::move(given_.front());
  given_.pop_front();
  first();
}

void StepQueue::finish() {
  if (!given_.empty()) given_.back()();  // the card does one after the other
  given_.clear();
}

}  // namespace sd::runtime
