#include "job/line_notes.h"

#include <fmt/core.h>

#include "sampling/noise_schedule.h"
#include "sampling/sampling_plan.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

using Notes = std::vector<std::string>;

void note_texts(const Settings& settings, const LineSettings& line, Notes* notes) {
  const bool plain = line.batch.prompts.syntax == PromptSyntax::kPlain;
  if (plain && text::looks_like_webui(line.picture.prompt)) {
    notes->emplace_back(
        "a prompt looks like AUTOMATIC1111's syntax, and its brackets are read as words: "
        "`prompt_syntax` webui reads them");
  }
  if (plain && !settings.embeddings.empty()) {
    notes->emplace_back(
        "`embeddings` is not used: plain prompts name none, `prompt_syntax` webui reads them");
  }
  static const std::string usual = Settings(Script::kTxt2Img).wildcards;
  if (!settings.expand && settings.wildcards != usual) {
    notes->emplace_back("`wildcards` is not used without `expand`");
  }
}

void note_sampler(const Settings& settings, const LineSettings& line,
                  const sampling::SamplerChoice& choice, Notes* notes) {
  const sampling::Sampler& sampler = choice.sampler;
  if (names_sampler(line) && (line.plms || line.dpm_solver)) {
    notes->emplace_back("`sampler` overrides `plms` and `dpm_solver`");
  } else if (line.dpm_solver && line.plms) {
    notes->emplace_back("`dpm_solver` overrides `plms`");
  }
  if (sampler.eta == sampling::Eta::kIgnored && line.batch.knobs.eta.value_or(0) != 0) {
    notes->push_back(fmt::format("the sampler {} ignores `eta`", sampler.name));
  }
  const bool from_picture = settings.script == Script::kImg2Img || line.batch.hires.on();
  if (!sampling::uses_schedule(sampler, from_picture) && choice.schedule != nullptr) {
    notes->push_back(
        fmt::format("the sampler {} has its own timesteps and ignores `schedule`", sampler.name));
  }
}

/// Of the samplers on DDIM's grid.
void note_steps(const Settings& settings, int64_t steps, int64_t timesteps, Notes* notes) {
  const sampling::StepCount count = sampling::ddim_step_count(timesteps, steps);
  if (count.past_the_end) {
    notes->push_back(fmt::format(
        "`steps` {}: the grid's last timestep, {}, is taken as {} (the reference fails here)",
        steps, timesteps, timesteps - 1));
  }
  if (count.actual != steps && settings.script == Script::kTxt2Img) {
    notes->push_back(fmt::format("`steps` {}: the reference's grid has {} steps, which are taken",
                                 steps, count.actual));
  }
}

}  // namespace

bool names_sampler(const LineSettings& line) {
  return line.batch.sampler != BatchSettings().sampler;
}

std::vector<std::string> line_notes(const Settings& settings, const LineSettings& line,
                                    const sampling::SamplerChoice& choice, int64_t timesteps) {
  Notes notes;
  note_texts(settings, line, &notes);
  note_sampler(settings, line, choice, &notes);
  if (choice.sampler.grid == sampling::Grid::kDdim) {
    note_steps(settings, line.batch.steps, timesteps, &notes);
  }
  return notes;
}

}  // namespace sd::job
