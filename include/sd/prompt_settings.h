#pragma once

#include <cstdint>

namespace sd {

/// How the brackets of a prompt are read.
enum class PromptSyntax {
  kPlain,  ///< as words, as the reference reads them
  kWebUi,  ///< as AUTOMATIC1111's web UI (v1.10.1) reads them
};

/// What the web UI's syntax makes of weights.
enum class Emphasis {
  kOriginal,  ///< they multiply the encoder's outputs, whose mean is then restored
  kNoNorm,    ///< they multiply the outputs
  kIgnore,    ///< brackets are parsed, but weights are ignored
  kNone,      ///< brackets are characters, and BREAK is a word
  kOld,       ///< as the web UI's first version: ids with brackets weigh, one chunk
};

/// What happens if the contexts of a prompt and its negative prompt differ in length.
enum class UnequalLengths {
  kApart,   ///< the UNet is called once for each length
  kPad,     ///< the shorter is filled with the context of the empty text
  kPadOld,  ///< that of the negative prompt is cut, or its last vector repeated
};

/// How prompts become contexts.
struct PromptSettings {
  PromptSyntax syntax = PromptSyntax::kPlain;
  bool long_prompts = false;  ///< plain: chunks of 75 ids instead of a cut after the first 75
  Emphasis emphasis = Emphasis::kOriginal;
  int64_t comma_backtrack = 20;  ///< ids that a full chunk may lose so that it ends at a comma
  int64_t clip_skip = 1;         ///< 1: the text encoder's last layer, 2: the second to last …
  UnequalLengths unequal = UnequalLengths::kApart;
  bool old_editing = false;  ///< [a:b:N] as before version 1.6 of the web UI

  bool operator==(const PromptSettings&) const = default;
};

}  // namespace sd
