#pragma once

#include <vector>

#include "job/batch_plan.h"
#include "job/model_choice.h"

namespace sd::job {

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

}  // namespace sd::job
