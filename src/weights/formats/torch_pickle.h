#pragma once

#include <cstdint>

#include "weights/formats/contents.h"
#include "weights/formats/pickle.h"
#include "weights/formats/torch_tensor.h"

namespace sd::weights {

/// Finds the weights in an object that torch.save wrote: a dict of tensors, under the key
/// "state_dict" or at top level, or a list of them under "0", "1", …. Every tensor is checked
/// against the bytes of its storage and `file_size`. What cannot be loaded is listed in `problems`;
/// nothing is thrown.
CheckpointContents torch_contents(const pickle::Document& document, const FindStorage& find,
                                  uint64_t file_size);

}  // namespace sd::weights
