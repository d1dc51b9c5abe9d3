#include "pipeline/encode_prompts.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "pipeline/request_prompts.h"
#include "pipeline/stage_progress.h"

namespace sd::pipeline {

Conditioning encode_prompts(const Request& request, const text::PromptTimeline& timeline,
                            const ProgressFn& progress, Contexts* contexts) {
  const PromptSettings& settings = request.batch.prompts;
  StageProgress stage(progress, Stage::kText, 2 * std::ssize(request.pictures));
  const auto context_of = [&](const std::string& text) {
    return contexts->of(text, timeline, settings);
  };
  Conditioning result{.pictures = {}, .unequal = settings.unequal, .empty = {}};
  if (settings.unequal == UnequalLengths::kPad) result.empty = context_of("")->at(0);
  const bool guided = needs_negatives(request);
  for (const PictureSettings& picture : request.pictures) {
    result.pictures.push_back(
        {.parts = {}, .negative = guided ? context_of(picture.negative_prompt) : nullptr});
    stage.step_done();
  }
  for (size_t i = 0; i < request.pictures.size(); ++i) {
    for (const text::PromptPart& part : parts_of(request.pictures[i].prompt, settings)) {
      result.pictures[i].parts.push_back({context_of(part.text), part.weight});
    }
    stage.step_done();
  }
  return result;
}

std::vector<at::Tensor> first_contexts(const Conditioning& conditioning) {
  const Conditioning::Span span = conditioning.at(0);
  std::vector<at::Tensor> firsts, all;
  for (const auto& parts : span.parts) firsts.push_back(parts.front());
  for (const std::vector<at::Tensor>& rows : {span.negatives, firsts}) {
    const bool equal = std::all_of(rows.begin(), rows.end(), [&](const at::Tensor& one) {
      return one.sizes() == rows.front().sizes();
    });
    if (equal && !rows.empty()) all.push_back(at::stack(rows));
  }
  return all;
}

}  // namespace sd::pipeline
