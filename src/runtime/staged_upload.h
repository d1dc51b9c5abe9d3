#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <functional>

#include "runtime/card_mark.h"

namespace sd::runtime {

/// Brings weights to a card, piece by piece through two buffers of pinned memory: while the card
/// takes one, the processor reads the next out of the file. They go up as they are stored and are
/// converted there. For one thread.
class StagedUpload {
 public:
  /// What depends on the device.
  struct Way {
    /// So many bytes that the device can read while the processor goes on: [bytes] u8. May throw
    /// c10::Error; then weights go up without buffers.
    std::function<at::Tensor(int64_t bytes)> buffer;
    /// Called when a piece was sent. What it gives waits until the device has taken it.
    std::function<CardWait()> mark;
  };

  /// To a card.
  explicit StagedUpload(const at::Device& device);
  /// Another way, for tests, with pieces of so many bytes, a multiple of 16.
  StagedUpload(const at::Device& device, Way way, int64_t piece_bytes)
      : device_(device), way_(std::move(way)), piece_bytes_(piece_bytes) {}

  /// `stored`, which is in the host's memory and contiguous, in this type on the device. Has read
  /// all of it when it returns; the device may still be at work.
  at::Tensor operator()(const at::Tensor& stored, at::ScalarType dtype);

 private:
  struct Slot {
    at::Tensor bytes;
    CardWait wait;
  };

  bool has_buffers();
  void send(const at::Tensor& piece, const at::Tensor& to);

  at::Device device_;
  Way way_;
  int64_t piece_bytes_;
  std::array<Slot, 2> slots_;
  size_t next_ = 0;
};

}  // namespace sd::runtime
