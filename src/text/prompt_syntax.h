#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sd/prompt_settings.h"

namespace sd::text {

/// One text among those that AND joins.
struct PromptPart {
  std::string text;
  double weight = 1;

  bool operator==(const PromptPart&) const = default;
};

/// A network that a prompt asks for: `<lora:NAME:TE:UNET:RANK>`, or with `te=`, `unet=`, `dyn=`.
struct NetworkUse {
  std::string kind;  ///< the word before the first colon: "lora", "lyco", "hypernet" …
  std::string name;
  double text_strength = 1;
  double unet_strength = 1;     ///< that of the text encoder where it is not given
  std::optional<int64_t> rank;  ///< how many of the network's rows are used; all where absent

  bool operator==(const NetworkUse&) const = default;
};

/// Whether it is a LoRA or one of its kin; other words between < and > are left out of a prompt.
inline bool is_adapter(const NetworkUse& use) { return use.kind == "lora" || use.kind == "lyco"; }

/// A prompt, taken apart as far as that does not depend on the step.
struct ParsedPrompt {
  std::vector<PromptPart> parts;  ///< at least one; each goes through `schedule_prompt`
  std::vector<NetworkUse> networks;
};

/// kPlain: one part, the prompt as it is. kWebUi: the parts between the words AND, without the
/// `<word:…>`, which become `networks`. A negative prompt has neither: it is a part as it is.
/// Time linear in the length. Throws Error(kUsage) if the text is not UTF-8, or a strength is no
/// number.
ParsedPrompt parse_prompt(std::string_view utf8, PromptSyntax syntax);

/// The prompt without each `<word:…>`, which `*networks` gets. White space around them stays.
/// Throws Error(kUsage) as parse_prompt does.
std::string cut_networks(std::string_view utf8, std::vector<NetworkUse>* networks);

/// The parts of a prompt from which nothing is cut out.
std::vector<PromptPart> split_at_and(std::string_view utf8);

/// Whether a prompt in plain syntax has what only the web UI's syntax reads: a weight, editing, AND
/// or BREAK between words, a network.
bool looks_like_webui(std::string_view utf8);

/// A stretch of text and what its tokens are multiplied by.
struct WeightedText {
  std::string text;
  double weight = 1;

  bool operator==(const WeightedText&) const = default;
};

/// Where a chunk ends: a stretch of its own.
inline const WeightedText kBreak = {"BREAK", -1};

/// Brackets of a text at one step as weights: `(a)` 1.1, `[a]` 1/1.1, `(a:1.5)`, with `\` before a
/// bracket that is a character; BREAK between brackets becomes kBreak. Never empty. Throws
/// Error(kUsage) for a weight like "1.2.3".
std::vector<WeightedText> parse_attention(std::string_view utf8);

}  // namespace sd::text
