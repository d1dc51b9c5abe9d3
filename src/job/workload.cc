#include "job/workload.h"

#include <algorithm>

#include "job/lora_folder.h"
#include "pipeline/request_load.h"

namespace sd::job {
namespace {

/// What its tensors hold, about.
int64_t values_in(const Workload& load) {
  const int64_t contexts = load.parts + (load.guided ? 1 : 0);
  return load.pictures * load.height * load.width * contexts + load.chunks;
}

}  // namespace

std::vector<std::vector<LoraUse>> lora_sets(const std::vector<PlannedBatch>& batches) {
  std::vector<std::vector<LoraUse>> sets;
  const auto add = [&](const std::vector<LoraUse>& loras) {
    if (loras.empty() || std::find(sets.begin(), sets.end(), loras) != sets.end()) return;
    sets.push_back(loras);
  };
  for (const PlannedBatch& batch : batches) {
    for (const auto& loras : loras_by_pass(batch.request.batch)) add(loras);
    for (const auto& loras : batch.templates.later_loras) add(loras);
  }
  return sets;
}

Workload largest_load(const std::vector<PlannedBatch>& batches, const ModelDescription& model,
                      bool previews) {
  if (batches.empty()) return {};
  Workload largest{.pictures = 0};
  bool encodes = false;
  for (const PlannedBatch& batch : batches) {
    for (const Workload& load : pipeline::loads_of(model, request_of(batch, /*pass=*/0))) {
      encodes = encodes || load.encodes;
      if (values_in(load) > values_in(largest)) largest = load;
    }
  }
  largest.encodes = encodes;
  largest.previews = previews;
  return largest;
}

}  // namespace sd::job
