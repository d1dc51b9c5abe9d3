#include "job/load_options.h"

#include <algorithm>

#include "job/lora_folder.h"
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

/// The command's adapters, without those of lines and requests.
std::vector<std::vector<LoraUse>> own_loras(const Settings& settings) {
  if (settings.batch.loras.empty()) return {};
  return {loras_of(settings.batch.loras, "", LoraFolder(settings.lora_dir))};
}

}  // namespace

LoadOptions load_options(const KnownWork& work) {
  const Settings& settings = work.settings;
  LoadOptions options{.model = work.model.paths,
                      .device = settings.device,
                      .safety = work.safety,
                      .loras = work.more_come ? own_loras(settings) : lora_sets(work.batches),
                      .embeddings = knows_embeddings(work)
                                        ? models::find_embeddings_folder(settings.embeddings)
                                        : "",
                      .largest = std::nullopt};
  if (work.more_come) options.loras_of_some = lora_sets(work.batches);
  if (!work.batches.empty()) {
    options.largest = largest_load(work.batches, work.model.description, settings.preview > 0);
  }
  return options;
}

}  // namespace sd::job
