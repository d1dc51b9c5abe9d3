#pragma once

#include <ATen/ATen.h>

#include "kernels/conv2d.h"

namespace sd::kernels {

/// What a convolution reads of its inputs, in memory: x, normalised and doubled where that is
/// asked, channels_last.
inline at::Tensor conv2d_input(const Conv2dInputs& inputs) {
  at::Tensor x = inputs.norm != nullptr ? (*inputs.norm)(inputs.x) : inputs.x;
  x = x.contiguous(at::MemoryFormat::ChannelsLast);
  return inputs.upsample ? at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}) : x;
}

}  // namespace sd::kernels
