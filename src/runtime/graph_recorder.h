#pragma once

#include <c10/core/Allocator.h>

#include <functional>
#include <memory>

#include "runtime/captured_fn.h"

namespace sd::runtime {

/// What the recording of graphs asks of a card. libsd_cuda.so has the one of CUDA. For one thread.
class GraphCard {
 public:
  virtual ~GraphCard() = default;

  /// A name for memory that graphs will share.
  virtual c10::MempoolId_t new_pool() = 0;

  /// Does `work`, which gives its work to a stream beside the current one, the same at each call,
  /// when all that the card was given before is done.
  virtual void on_side_stream(const std::function<void()>& work) = 0;

  /// Waits for the side stream, and gives the blocks back that no tensor uses.
  virtual void give_kept_memory_back() = 0;

  /// From now on the side stream records what it is given; new tensors are in the pool's memory.
  virtual void begin(const c10::MempoolId_t& pool) = 0;

  /// What was recorded since `begin`.
  virtual std::unique_ptr<Recording> end() = 0;

  /// Ends a recording that went wrong, in `begin`, in what was recorded or in `end`: afterwards
  /// stream, allocator and generator are as if it had never begun.
  virtual void drop(const c10::MempoolId_t& pool) noexcept = 0;
};

/// Records on the card, after one run in which libraries choose their algorithms and take their
/// memory, and whose tensors are given back: a recording needs room for one run's and no more. All
/// recordings share memory, since none runs beside another and nothing of one is read after another
/// ran; once the last of them is gone, the next ones share other memory, for LibTorch's allocator
/// takes none up again that it has begun to give back. The recorder and its copies are for one
/// thread.
Recorder graph_recorder(std::unique_ptr<GraphCard> card);

}  // namespace sd::runtime
