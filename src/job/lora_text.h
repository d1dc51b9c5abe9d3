#pragma once

#include <string>

#include "sd/lora.h"

namespace sd::job {

/// FILE[:UNET[:TE]]: TE is UNET where it is not given, and UNET 1; `te=`, `unet=` and `dyn=` may
/// name them. A text that is an existing file's name is that, whatever colons it has. Throws
/// Error(kUsage) for strengths that are no numbers or too many.
LoraUse parse_lora(const std::string& text);

/// The text that is read as this use.
std::string text_of_lora(const LoraUse& use);

/// As the web UI names it in a prompt: `<lora:NAME:TE:UNET>`, the numbers left out that its reader
/// adds.
std::string webui_text(const LoraUse& use);

/// The name that an adapter's file has in prompts.
std::string lora_name(const std::string& file);

}  // namespace sd::job
