#include "job/load_options.h"

#include <algorithm>

#include "job/workload.h"
#include "models/embeddings.h"

namespace sd::job {
namespace {

/// Whether a prompt may name embeddings.
bool knows_embeddings(const KnownWork& work) {
  return work.more_come || std::ranges::any_of(work.batches, [](const PlannedBatch& batch) {
           return batch.request.batch.prompts.syntax == PromptSyntax::kWebUi;
         });
}

}  // namespace

LoadOptions load_options(const KnownWork& work) {
  const Settings& settings = work.settings;
  LoadOptions options{.model = work.model.paths,
                      .device = settings.device,
                      .safety = work.safety,
                      .loras = lora_sets(work.batches),
                      .embeddings = knows_embeddings(work)
                                        ? models::find_embeddings_folder(settings.embeddings)
                                        : "",
                      .largest = std::nullopt};
  if (!work.batches.empty()) {
    options.largest = largest_load(work.batches, work.model.description, settings.preview > 0);
  }
  return options;
}

}  // namespace sd::job
