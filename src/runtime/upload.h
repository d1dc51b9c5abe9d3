#pragma once

#include <ATen/core/Tensor.h>

namespace sd::runtime {

/// `x`, which is in the host's memory, on `device`; x itself where that is the host. A card's copy
/// goes through pinned memory, in the order of its stream: nothing waits for the step that the card
/// is at. Where memory cannot be pinned it goes without.
at::Tensor upload(const at::Tensor& x, const at::Device& device);

}  // namespace sd::runtime
