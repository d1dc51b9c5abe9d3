#include "runtime/step_queue.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>
#include <utility>

namespace sd::runtime {
namespace {

/// An event at the end of the card's current stream, by c10's table of devices: the program is not
/// linked with CUDA.
StepQueue::Mark mark_on(const c10::Device& device) {
  if (device.is_cpu()) return nullptr;
  return [device]() -> StepQueue::Wait {
    const auto event = std::make_shared<c10::Event>(device.type());
    event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    return [event] { event->synchronize(); };
  };
}

}  // namespace

StepQueue::StepQueue(const c10::Device& device) : StepQueue(mark_on(device)) {}

void StepQueue::step_given() {
  constexpr size_t kAhead = 2;
  if (!mark_) return;
  given_.push_back(mark_());
  if (given_.size() <= kAhead) return;
  const Wait first = std::move(given_.front());
  given_.pop_front();
  first();
}

void StepQueue::finish() {
  if (!given_.empty()) given_.back()();  // the card does one after the other
  given_.clear();
}

}  // namespace sd::runtime
