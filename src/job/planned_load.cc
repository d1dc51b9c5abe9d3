#include "job/planned_load.h"

#include <algorithm>

#include "job/hires_plan.h"
#include "text/tokenizer.h"

namespace sd {
namespace {

/// Of the longest prompt, with about three bytes an id. (Before it draws, a session counts them.)
int64_t likely_chunks(const Request& request) {
  const PromptSettings& prompts = request.batch.prompts;
  if (prompts.syntax == PromptSyntax::kPlain && !prompts.long_prompts) return 1;
  size_t longest = 0;
  for (const PictureSettings& picture : request.pictures) {
    longest = std::max({longest, picture.prompt.size(), picture.negative_prompt.size()});
  }
  return 1 + static_cast<int64_t>(longest) / (3 * (kMaxTokens - 2));
}

}  // namespace

std::vector<std::vector<LoraUse>> lora_sets(const std::vector<PlannedBatch>& batches) {
  std::vector<std::vector<LoraUse>> sets;
  const auto add = [&](const std::vector<LoraUse>& loras) {
    if (loras.empty() || std::find(sets.begin(), sets.end(), loras) != sets.end()) return;
    sets.push_back(loras);
  };
  for (const PlannedBatch& batch : batches) {
    add(batch.request.batch.loras);
    for (const auto& loras : batch.templates.later_loras) add(loras);
  }
  return sets;
}

PlannedLoad largest_load(const std::vector<PlannedBatch>& batches, const ModelDescription& model,
                         bool previews) {
  const auto load_of = [&](const PlannedBatch& batch) {
    const Request& request = batch.request;
    const HiresSize size = largest_size(request.batch);
    return PlannedLoad{.pictures = std::ssize(request.pictures),
                       .height = size.enlarged_height,
                       .width = size.enlarged_width,
                       .guided = request.pictures.front().scale != 1,
                       .encodes = needs_encoder(model, request.batch),
                       .chunks = likely_chunks(request),
                       .previews = previews};
  };
  const auto values = [](const PlannedLoad& load) {
    return load.pictures * load.height * load.width * (load.guided ? 2 : 1) + load.chunks;
  };
  if (batches.empty()) return {};
  PlannedLoad largest = load_of(batches.front());
  for (const PlannedBatch& batch : batches) {
    const PlannedLoad load = load_of(batch);
    if (values(load) > values(largest)) largest = load;
  }
  return largest;
}

}  // namespace sd
