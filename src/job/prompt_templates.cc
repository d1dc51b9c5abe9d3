#include "job/prompt_templates.h"

#include <memory>
#include <mutex>

#include "job/wildcards.h"

namespace sd::job {

TemplateExpander template_expander(const std::string& wildcards) {
  const auto files = std::make_shared<Wildcards>(wildcards);
  const auto mutex = std::make_shared<std::mutex>();
  return [=](const std::string& text, const text::ExpansionSeed& seed) {
    const std::lock_guard lock(*mutex);
    return text::expand_prompt(
        text, seed, [&](const std::string& name) -> const std::vector<text::WildcardValue>& {
          return files->values(name);
        });
  };
}

PictureTexts texts_of(const PictureSettings& picture) {
  return {picture.prompt, picture.negative_prompt, picture.hires_prompt,
          picture.hires_negative_prompt};
}

void expand_prompts(const TemplateExpander& expand, const PictureTexts& templates,
                    const text::ExpansionSeed& seed, PictureSettings* picture) {
  picture->prompt = expand(templates.prompt, seed);
  picture->negative_prompt = expand(templates.negative_prompt, seed);
  picture->hires_prompt = expand(templates.hires_prompt, seed);
  picture->hires_negative_prompt = expand(templates.hires_negative_prompt, seed);
}

}  // namespace sd::job
