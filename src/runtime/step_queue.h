#pragma once

#include <c10/core/Device.h>

#include <deque>
#include <functional>

#include "runtime/card_mark.h"

namespace sd::runtime {

/// Lets the processor go no more than two steps ahead of a card: what it says of a run is then what
/// the card has done, and the card always has a step to go on with. On the processor nothing waits.
/// For one thread.
class StepQueue {
 public:
  /// Marks what the card has been given so far.
  using Mark = std::function<CardWait()>;

  explicit StepQueue(const c10::Device& device);
  /// With marks of the caller's own, for tests. None: nothing waits.
  explicit StepQueue(Mark mark) : mark_(std::move(mark)) {}

  /// When a step has been given to the card: waits for the one two steps before it.
  void step_given();
  /// Waits for all of them.
  void finish();

 private:
  Mark mark_;
  std::deque<CardWait> given_;
};

}  // namespace sd::runtime
