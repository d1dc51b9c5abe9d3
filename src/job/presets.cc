#include "job/presets.h"

#include "base/log.h"
#include "base/strings.h"
#include "job/model_choice.h"
#include "runtime/data_files.h"

namespace sd::job {

namespace {

/// Whether a model or an adapter is named, which may be made for few steps; the built-in model and
/// Stable Diffusion at its default place are not.
bool names_model(const Settings& settings) {
  return !settings.ckpt.empty() || !settings.batch.loras.empty();
}

/// Whether a run draws what the preset's figure was measured on: the built-in model's txt2img with
/// the preset's own values.
bool is_as_measured(const Preset& preset, const Settings& settings) {
  if (settings.script != Script::kTxt2Img || !takes_built_in(settings)) return false;
  Settings own = settings;
  for (const auto& [key, text] : preset.values) set_text(&own, *find_setting(key), text);
  return text_values(own) == text_values(settings);
}

std::vector<Preset> make_presets() {
  return {
      {.name = "exact",
       .help = "the reference's defaults",
       .values = {{"sampler", "ddim"},
                  {"schedule", "automatic"},
                  {"steps", "50"},
                  {"precision", "autocast"},
                  {"guidance_from", "0"},
                  {"guidance_until", "1"}}},
      {.name = "fast",
       .help = "a tenth of the time: DPM++ 2M in 10 steps, guidance in the first four",
       .values = {{"sampler", "dpmpp_2m"},
                  {"schedule", "align_your_steps"},
                  {"steps", "10"},
                  {"precision", "fastest"},
                  {"guidance_from", "0"},
                  {"guidance_until", "0.4"}},
       .measured = "64 of the built-in model's 64 held-out prompts come out right at scale 3, as "
                   "with 50 steps of PLMS"},
      {.name = "turbo",
       .help = "4 steps without guidance, for models and adapters that were made for that",
       .values = {{"sampler", "diffusers_lcm"},
                  {"schedule", "automatic"},
                  {"steps", "4"},
                  {"scale", "1"},
                  {"precision", "fastest"},
                  {"guidance_from", "0"},
                  {"guidance_until", "1"}},
       .measured =
           "64 of the built-in model's 64 held-out prompts come out right with its adapter for "
           "few steps",
       .needs = "a model or an adapter that was distilled for few steps (LCM, TCD)",
       .adapter = "models/demo/lcm.safetensors"}};
}

}  // namespace

std::span<const Preset> presets() {
  static const std::vector<Preset> all = make_presets();
  return all;
}

void take_adapter(const Preset& preset, Settings* settings) {
  if (preset.adapter.empty() || names_model(*settings) || !takes_built_in(*settings)) return;
  const std::string file = runtime::find_data_file(preset.adapter).string();
  if (file.empty()) return;
  settings->batch.loras.push_back({.file = file});
  notice("preset " + preset.name + ": the built-in model is drawn with its adapter " +
         printable(file));
}

std::vector<std::string> words_about(const Preset& preset, const Settings& settings) {
  const std::string begin = "preset " + preset.name + ": ";
  std::vector<std::string> words;
  if (!preset.measured.empty() && is_as_measured(preset, settings))
    words.push_back(begin + preset.measured);
  if (!preset.needs.empty() && !names_model(settings)) {
    words.push_back(begin + "it is for " + preset.needs + ", and none is named");
  }
  return words;
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : presets()) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

}  // namespace sd::job
