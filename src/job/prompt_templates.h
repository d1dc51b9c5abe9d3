#pragma once

#include <functional>
#include <string>

#include "sd/settings.h"
#include "text/dynamic_prompt.h"

namespace sd::job {

/// The texts of a picture; those of a second pass may be empty.
struct PictureTexts {
  std::string prompt;
  std::string negative_prompt;
  std::string hires_prompt;
  std::string hires_negative_prompt;
};

PictureTexts texts_of(const PictureSettings& picture);

/// A template's text.
using TemplateExpander = std::function<std::string(const std::string&, const text::ExpansionSeed&)>;

/// Expands with the wildcards of a folder; may be called by several threads.
TemplateExpander template_expander(const std::string& wildcards);

/// Sets a picture's prompts from their templates.
void expand_prompts(const TemplateExpander& expand, const PictureTexts& templates,
                    const text::ExpansionSeed& seed, PictureSettings* picture);

}  // namespace sd::job
