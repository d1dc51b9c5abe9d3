#include "pipeline/used_embeddings.h"

#include <string>
#include <vector>

#include "pipeline/hires.h"
#include "pipeline/request_prompts.h"
#include "text/prompt_schedule.h"

namespace sd::pipeline {
namespace {

/// The texts of a row's prompts in a pass, at all of its steps, each once.
std::set<std::string> texts_of(const Request& request, const text::PromptTimeline& timeline,
                               int64_t row) {
  const PictureSettings& picture = request.pictures[static_cast<size_t>(row)];
  std::vector<std::string> prompts;
  for (const text::PromptPart& part : parts_of(picture.prompt, request.batch.prompts)) {
    prompts.push_back(part.text);
  }
  if (needs_negatives(request)) prompts.push_back(picture.negative_prompt);
  std::set<std::string> texts;
  for (const std::string& prompt : prompts) {
    for (text::PromptStage& stage : text::schedule_prompt(prompt, timeline)) {
      texts.insert(std::move(stage.text));
    }
  }
  return texts;
}

}  // namespace

std::set<size_t> used_embeddings(const PromptReader& reader, const Request& request, int64_t row) {
  std::set<size_t> used;
  const PromptSettings& prompts = request.batch.prompts;
  if (prompts.syntax == PromptSyntax::kPlain) return used;
  const auto read = [&](const Request& pass, const text::PromptTimeline& timeline) {
    for (const std::string& text : texts_of(pass, timeline, row)) {
      for (const text::Chunk& chunk :
           text::chunk_prompt(text, prompts, reader.tokenizer, reader.embeddings).chunks) {
        for (const text::Injected& one : chunk.embeddings) used.insert(one.embedding);
      }
    }
  };
  const text::PromptTimeline first = timeline_of(request);
  read(request, first);
  if (!request.batch.hires.on()) return used;
  const Request second = second_pass(request, reader.model.factor);
  read(second, timeline_of(second, first.steps));
  return used;
}

}  // namespace sd::pipeline
