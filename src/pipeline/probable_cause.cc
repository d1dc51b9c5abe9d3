#include "pipeline/probable_cause.h"

#include <fmt/core.h>

#include <cmath>
#include <filesystem>

#include "base/strings.h"
#include "pipeline/request_prompts.h"
#include "text/prompt_schedule.h"

namespace sd::pipeline {
namespace {

/// From where on numbers may well drive networks out of a number's range.
constexpr double kHugeWeight = 100;
constexpr double kHugeStrength = 20;
constexpr double kHugeScale = 1000;

/// The most unusual number that was looked at.
class Suspect {
 public:
  /// `huge`: from where on the value is one; `text` gives its words.
  template <class Text>
  void look(double value, double huge, const Text& text) {
    const double share = std::abs(value) / huge;
    if (!(share >= most_)) return;
    most_ = share;
    text_ = text(value);
  }
  const std::string& text() const { return text_; }

 private:
  double most_ = 1;
  std::string text_;
};

void look_at(const std::string& text, const text::PromptTimeline& timeline, Suspect* suspect) {
  for (const text::PromptStage& stage : text::schedule_prompt(text, timeline)) {
    for (const text::WeightedText& one : text::parse_attention(stage.text)) {
      suspect->look(one.weight, kHugeWeight, [&](double weight) {
        return fmt::format("the weight {:g} of \"{}\" in a prompt", weight,
                           printable(one.text, 40));
      });
    }
  }
}

void look_at_prompts(const Request& request, const PictureSettings& picture, Suspect* suspect) {
  const text::PromptTimeline timeline = timeline_of(request);
  for (const std::string& prompt : {picture.prompt, picture.hires_prompt}) {
    for (const text::PromptPart& part : parts_of(prompt, request.batch.prompts)) {
      suspect->look(part.weight, kHugeWeight, [](double weight) {
        return fmt::format("the weight {:g} of a part that AND joins", weight);
      });
      look_at(part.text, timeline, suspect);
    }
  }
  look_at(picture.negative_prompt, timeline, suspect);
  look_at(picture.hires_negative_prompt, timeline, suspect);
}

void look_at_adapters(const std::vector<LoraUse>& uses, Suspect* suspect) {
  for (const LoraUse& use : uses) {
    const auto text = [&](double strength) {
      return fmt::format("the strength {:g} of the adapter {}", strength,
                         printable(std::filesystem::path(use.file).stem().string(), 60));
    };
    suspect->look(use.unet, kHugeStrength, text);
    suspect->look(use.text, kHugeStrength, text);
  }
}

}  // namespace

std::string probable_cause(const Request& request, int64_t row) {
  const PictureSettings& picture = request.pictures[static_cast<size_t>(row)];
  Suspect suspect;
  suspect.look(picture.scale, kHugeScale,
               [](double scale) { return fmt::format("`scale` {:g}", scale); });
  if (request.batch.prompts.syntax == PromptSyntax::kWebUi) {
    look_at_prompts(request, picture, &suspect);
  }
  look_at_adapters(request.batch.loras, &suspect);
  if (request.batch.hires.loras) look_at_adapters(*request.batch.hires.loras, &suspect);
  return suspect.text();
}

}  // namespace sd::pipeline
