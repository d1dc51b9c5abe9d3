#pragma once

#include <memory>
#include <string>

#include "models/memory_plan.h"

namespace sd {

/// How a run spends memory, and what it needs so.
struct MemoryChoice {
  MemoryMode memory = MemoryMode::kBalanced;
  MemoryPlan plan;
  bool fits = true;
};

/// Whether the autoencoder works in strips: as asked; by itself where the whole would not fit into
/// `free` bytes, or where its tensors take more than 4 GiB (balanced) or 1 GiB (low).
bool wants_strips(const MemoryPlan& whole, const ExecPolicy& policy, int64_t free);

/// The first of the modes from the policy's own down that fits into `free` bytes, else the last.
/// Pure. `stored` is the type of the checkpoint's weights.
MemoryChoice choose_memory(const ModelConfig& config, const ExecPolicy& policy,
                           at::ScalarType stored, const PlannedLoad& load, int64_t free);

/// The type that the UNet's weights have in the file.
at::ScalarType stored_type(const Checkpoint& checkpoint);

/// "memory: about 5.1 GB (balanced) of 21.0 GB free", and what was wanted, or what to do.
std::string memory_line(const MemoryChoice& choice, MemoryMode wanted, int64_t free);

/// fast, balanced, low.
const char* memory_word(MemoryMode memory);

}  // namespace sd
