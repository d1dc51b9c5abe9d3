#include "runtime/staged_upload.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace sd::runtime {
namespace {

constexpr int64_t kPieceBytes = int64_t{32} << 20;

StagedUpload::Way way_to(const at::Device& device) {
  return {.buffer =
              [](int64_t bytes) {
                return at::empty({bytes}, at::TensorOptions(at::kByte).pinned_memory(true));
              },
          .mark = [device] { return mark_card(device); }};
}

}  // namespace

StagedUpload::StagedUpload(const at::Device& device)
    : StagedUpload(device, way_to(device), kPieceBytes) {}

/// Makes them at the first call.
bool StagedUpload::has_buffers() {
  for (Slot& slot : slots_) {
    if (slot.bytes.defined()) continue;
    try {
      slot.bytes = way_.buffer(piece_bytes_);
    } catch (const c10::Error&) {
      return false;
    }
  }
  return true;
}

/// Both flat, of one length.
void StagedUpload::send(const at::Tensor& piece, const at::Tensor& to) {
  Slot& slot = slots_[next_];
  next_ = 1 - next_;
  if (slot.wait) slot.wait();
  const at::Tensor staged = slot.bytes.view(piece.scalar_type()).narrow(0, 0, piece.numel());
  staged.copy_(piece);
  if (staged.scalar_type() == to.scalar_type()) {
    to.copy_(staged, /*non_blocking=*/true);
  } else {
    to.copy_(staged.to(device_, staged.scalar_type(), /*non_blocking=*/true));
  }
  slot.wait = way_.mark();
}

at::Tensor StagedUpload::operator()(const at::Tensor& stored, at::ScalarType dtype) {
  const auto options = at::TensorOptions(device_).dtype(dtype);
  // A small one is there before a buffer is filled.
  constexpr int64_t kLeastShare = 32;
  const auto bytes = static_cast<int64_t>(stored.nbytes());
  if (bytes < piece_bytes_ / kLeastShare || !has_buffers()) return stored.to(options);
  const at::Tensor result = at::empty(stored.sizes(), options);
  const at::Tensor from = stored.view({-1}), to = result.view({-1});
  const int64_t most = piece_bytes_ / static_cast<int64_t>(stored.element_size());
  for (int64_t begin = 0; begin < from.numel(); begin += most) {
    const int64_t count = std::min(most, from.numel() - begin);
    send(from.narrow(0, begin, count), to.narrow(0, begin, count));
  }
  return result;
}

}  // namespace sd::runtime
