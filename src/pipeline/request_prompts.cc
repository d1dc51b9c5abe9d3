#include "pipeline/request_prompts.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "pipeline/request_sampling.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd::pipeline {
namespace {

void check_text(const std::string& text, const Request& request) {
  for (const text::PromptStage& stage : text::schedule_prompt(text, timeline_of(request))) {
    text::parse_attention(stage.text);
  }
}

/// Each adapter that the prompt names must be among the request's.
void check_networks(const std::vector<text::NetworkUse>& networks,
                    const std::vector<LoraUse>& given) {
  const auto found =
      std::count_if(given.begin(), given.end(), [](const LoraUse& use) { return use.in_prompt; });
  int64_t asked = 0;
  for (const text::NetworkUse& use : networks) {
    if (!text::is_adapter(use) || ++asked <= found) continue;
    throw Error(ErrorKind::kUsage,
                "the prompt asks for the adapter " + printable(use.name) +
                    ", whose file the request does not name",
                "add it to `loras`, or take <" + use.kind + ":…> out of the prompt");
  }
}

void check_webui_prompt(const PictureSettings& picture, const Request& request) {
  const text::ParsedPrompt parsed = text::parse_prompt(picture.prompt, PromptSyntax::kWebUi);
  check_networks(parsed.networks, request.batch.loras);
  for (const text::PromptPart& part : parsed.parts) check_text(part.text, request);
  check_text(picture.negative_prompt, request);
}

struct Limits {
  int64_t least, most, usual;
};

void check_number(const char* name, int64_t value, const Limits& limits) {
  if (value >= limits.least && value <= limits.most) return;
  throw Error(
      ErrorKind::kUsage,
      fmt::format("`{}` must be from {} to {}, found {}", name, limits.least, limits.most, value),
      "the usual one is " + std::to_string(limits.usual));
}

}  // namespace

std::vector<text::PromptPart> parts_of(const std::string& prompt, const PromptSettings& settings) {
  return text::parse_prompt(prompt, settings.syntax).parts;
}

bool needs_negatives(const Request& request) {
  if (has_guidance(request)) return true;
  if (request.batch.prompts.syntax == PromptSyntax::kPlain) return false;
  return std::any_of(request.pictures.begin(), request.pictures.end(),
                     [&](const PictureSettings& picture) {
                       const auto parts = parts_of(picture.prompt, request.batch.prompts);
                       return parts.size() > 1 || parts.front().weight != 1;
                     });
}

text::PromptTimeline timeline_of(const Request& request, int64_t first_pass) {
  return {.steps = request.batch.steps * sampling::find_sampler(request.batch.sampler).evaluations,
          .first_pass = first_pass,
          .old_editing = request.batch.prompts.old_editing};
}

void check_prompts(const Request& request) {
  const PromptSettings& prompts = request.batch.prompts;
  const PromptSettings usual;
  check_number("clip_skip", prompts.clip_skip, {.least = 1, .most = 100, .usual = usual.clip_skip});
  check_number("comma_backtrack", prompts.comma_backtrack,
               {.least = 0, .most = text::kMaxTokens - 3, .usual = usual.comma_backtrack});
  for (const PictureSettings& picture : request.pictures) {
    text::check_prompt(picture.prompt);
    text::check_prompt(picture.negative_prompt);
    if (prompts.syntax == PromptSyntax::kWebUi) check_webui_prompt(picture, request);
  }
}

}  // namespace sd::pipeline
