#include "pipeline/request_load.h"

#include <algorithm>

#include "pipeline/hires.h"
#include "pipeline/request_prompts.h"
#include "text/tokenizer.h"

namespace sd::pipeline {
namespace {

/// Of the longest prompt, with about three bytes an id. (Before it draws, a session counts them.)
int64_t likely_chunks(const Request& request) {
  const PromptSettings& prompts = request.batch.prompts;
  if (prompts.syntax == PromptSyntax::kPlain && !prompts.long_prompts) return 1;
  size_t longest = 0;
  for (const PictureSettings& picture : request.pictures) {
    longest = std::max({longest, picture.prompt.size(), picture.negative_prompt.size()});
  }
  return 1 + static_cast<int64_t>(longest) / (3 * (text::kMaxTokens - 2));
}

int64_t most_parts(const Request& request) {
  size_t most = 1;
  for (const PictureSettings& picture : request.pictures) {
    most = std::max(most, parts_of(picture.prompt, request.batch.prompts).size());
  }
  return static_cast<int64_t>(most);
}

/// Of a request's own pass.
Workload load_of(const ModelDescription& model, const Request& request) {
  return {.pictures = std::ssize(request.pictures),
          .height = request.batch.height,
          .width = request.batch.width,
          .guided = needs_negatives(request),
          .encodes = needs_encoder(model, request.batch),
          .chunks = likely_chunks(request),
          .parts = most_parts(request)};
}

}  // namespace

std::vector<Workload> loads_of(const ModelDescription& model, const Request& request) {
  std::vector<Workload> loads = {load_of(model, request)};
  if (!request.batch.hires.on()) return loads;
  const HiresSize size = hires_size(request.batch, model.factor);
  Workload second = load_of(model, second_pass(request, model.factor));
  second.height = std::max(size.enlarged_height, size.height);
  second.width = std::max(size.enlarged_width, size.width);
  second.encodes = loads.front().encodes;
  loads.push_back(second);
  return loads;
}

}  // namespace sd::pipeline
