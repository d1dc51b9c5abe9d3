#pragma once

#include <vector>

#include "job/batch_plan.h"
#include "job/model_choice.h"

// What a plan asks of the model that draws it.

namespace sd {

/// The sets of adapters that the batches have, each once.
std::vector<std::vector<LoraUse>> lora_sets(const std::vector<PlannedBatch>& batches);

/// The batch that needs most memory. `previews`: whether pictures are decoded as they grow.
PlannedLoad largest_load(const std::vector<PlannedBatch>& batches, const ModelDescription& model,
                         bool previews = false);

/// What is to be drawn, as far as it is known before the model is loaded.
struct KnownWork {
  const Settings& settings;
  const ChosenModel& model;
  const SafetyOptions& safety;
  const std::vector<PlannedBatch>& batches;  ///< may be empty
  bool more_come = false;  ///< whether others may follow, which lines or requests set otherwise
};

/// What to load for it.
LoadOptions load_options(const KnownWork& work);

}  // namespace sd
