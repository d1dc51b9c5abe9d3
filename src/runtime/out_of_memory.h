#pragma once

#include <exception>

#include "runtime/exec_policy.h"

namespace sd::runtime {

/// Whether memory, of the processor or of a card, did not suffice: std::bad_alloc, LibTorch's error
/// of a card's allocator, CUDA's own number for it, or an error of LibTorch's in whose message an
/// allocation fails (of the processor's memory, or inside cuDNN or cuBLAS, which have no type for
/// it).
bool is_out_of_memory(const std::exception& error);

/// Gives back to the system, or to the cards, what is kept for the next tensors and used by none.
/// On the processor less is kept from then on. Waits while a card records.
void give_kept_memory_back(const ExecPolicy& policy);

}  // namespace sd::runtime
