#pragma once

#include <memory>
#include <string>

#include "models/memory_plan.h"

namespace sd::pipeline {

// What is free is the policy's free_bytes, of which a part is left to others.

/// How a run spends memory, and what it needs so.
struct MemoryChoice {
  MemoryMode memory = MemoryMode::kBalanced;
  models::MemoryPlan plan;
  bool fits = true;
  std::unique_ptr<const models::MemoryPlanner> planner;  ///< of other loads in that mode
};

/// Each stage with as much at once as fits into what is free, else with as little as can be: the
/// autoencoder beside the UNet's recordings or without them, then in strips, the UNet on all of a
/// batch or on shares of it.
models::MemoryPlan plan_to_fit(const models::MemoryPlanner& planner,
                               const runtime::ExecPolicy& policy, const Workload& load);

/// What a run does about the memory that is free. On the CPU: the first of the modes from the
/// policy's own down that fits with the whole batch at once in the UNet, else the last with smaller
/// shares. On a card, where modes keep nothing, plan_to_fit. Pure. Throws as MemoryPlanner.
MemoryChoice choose_memory(const models::ModelSource& source, const runtime::ExecPolicy& policy,
                           const Workload& load);

/// "memory: about 5.1 GB (balanced) of 21.0 GB free", and what was wanted, or what to do.
std::string memory_line(const MemoryChoice& choice, const runtime::ExecPolicy& policy);

/// "UNet on one picture at a time", say; empty for all at once.
const char* share_words(models::UNetShare share);

}  // namespace sd::pipeline
