#pragma once

#include <vector>

#include "job/batch_plan.h"

// What a plan asks of the model that draws it.

namespace sd::job {

/// The sets of adapters that the batches have, each once.
std::vector<std::vector<LoraUse>> lora_sets(const std::vector<PlannedBatch>& batches);

/// The pass that needs most memory, of all batches; of no batch that of one picture. `previews`:
/// whether pictures are decoded as they grow.
Workload largest_load(const std::vector<PlannedBatch>& batches, const ModelDescription& model,
                      bool previews = false);

}  // namespace sd::job
