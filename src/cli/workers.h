#pragma once

#include <vector>

#include "job/batch_plan.h"
#include "job/run_output.h"
#include "runtime/exec_policy.h"

namespace sd {

/// What computes on each of --devices, one worker each. Workers on the CPU get a share of its
/// threads and free memory. Pure. Throws kUsage for a card that is named twice, and as `resolve`.
std::vector<ExecPolicy> resolve_workers(const Settings& options, const HostInfo& host);

/// What the workers of a run are given; it must outlive them.
struct WorkersRun {
  const Settings& options;
  const LoadOptions& load;  ///< but for its device
  const ModelDescription& model;
  const BatchPlan& plan;
};

/// Draws the batches of a plan on several devices: one thread each, with a pipeline of its own,
/// takes the next batch whenever it has drawn one. The pictures are those of one device, for each
/// batch begins where in the stream it would begin there. When the user stops it, not all are
/// drawn. Where a worker fails, the others stop, and what it threw is thrown; what was drawn is in
/// `output`.
void draw_with_workers(const std::vector<ExecPolicy>& devices, const WorkersRun& run,
                       OrderedOutput* output);

}  // namespace sd
