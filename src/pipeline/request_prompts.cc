#include "pipeline/request_prompts.h"

#include <algorithm>

#include "base/strings.h"
#include "pipeline/request_sampling.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {
namespace {

void check_text(const std::string& text, const Request& request) {
  for (const PromptStage& stage : schedule_prompt(text, timeline_of(request))) {
    parse_attention(stage.text);
  }
}

/// Each adapter that the prompt names must be among the request's.
void check_networks(const std::vector<NetworkUse>& networks, const std::vector<LoraUse>& given) {
  const auto found =
      std::count_if(given.begin(), given.end(), [](const LoraUse& use) { return use.in_prompt; });
  int64_t asked = 0;
  for (const NetworkUse& use : networks) {
    if (!is_adapter(use) || ++asked <= found) continue;
    throw Error(ErrorKind::kUsage,
                "the prompt asks for the adapter " + printable(use.name) +
                    ", whose file the request does not name",
                "add it to `loras`, or take <" + use.kind + ":…> out of the prompt");
  }
}

void check_webui_prompt(const PictureSettings& picture, const Request& request) {
  const ParsedPrompt parsed = parse_prompt(picture.prompt, PromptSyntax::kWebUi);
  check_networks(parsed.networks, request.batch.loras);
  for (const PromptPart& part : parsed.parts) check_text(part.text, request);
  check_text(picture.negative_prompt, request);
}

void check_number(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(
      ErrorKind::kUsage,
      format("`%s` must be from %lld to %lld, found %lld", name, static_cast<long long>(least),
             static_cast<long long>(most), static_cast<long long>(value)),
      "the usual one is " + std::to_string(std::clamp<int64_t>(20, least, most)));
}

}  // namespace

std::vector<PromptPart> parts_of(const std::string& prompt, const PromptSettings& settings) {
  return parse_prompt(prompt, settings.syntax).parts;
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

PromptTimeline timeline_of(const Request& request) {
  return {.steps = request.batch.steps * find_sampler(request.batch.sampler).evaluations,
          .first_pass = 0,
          .old_editing = request.batch.prompts.old_editing};
}

void check_prompts(const Request& request) {
  check_number("clip_skip", request.batch.prompts.clip_skip, 1, 100);
  check_number("comma_backtrack", request.batch.prompts.comma_backtrack, 0, kMaxTokens - 3);
  for (const PictureSettings& picture : request.pictures) {
    check_prompt(picture.prompt);
    check_prompt(picture.negative_prompt);
    if (request.batch.prompts.syntax == PromptSyntax::kWebUi) check_webui_prompt(picture, request);
  }
}

}  // namespace sd
