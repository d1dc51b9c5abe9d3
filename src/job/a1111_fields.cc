#include "job/a1111_fields.h"

#include <fmt/core.h>

#include "base/strings.h"
#include "job/hires_plan.h"
#include "job/setting_values.h"
#include "sampling/sampler.h"
#include "sampling/schedule.h"
#include "sd/error.h"

namespace sd::job {
namespace {

void set(const char* key, const std::string& text, Settings* settings) {
  set_text(settings, *find_setting(key), text);
}

const sampling::Sampler& sampler_of(const Settings& settings) {
  return sampling::find_sampler(settings.batch.sampler);
}

/// "512x384" → both settings.
void set_size(const char* width, const char* height, const std::string& text, Settings* settings) {
  const size_t cross = text.find('x');
  if (cross == std::string::npos) {
    throw Error(ErrorKind::kUsage, "expected a size like 512x512, found " + printable(text, 60));
  }
  set(width, text.substr(0, cross), settings);
  set(height, text.substr(cross + 1), settings);
}

std::string size(const Settings& settings) {
  return fmt::format("{}x{}", settings.batch.width, settings.batch.height);
}
void read_size(const std::string& text, Settings* settings) {
  set_size("drawn_width", "drawn_height", text, settings);
}

std::string noise_size(const Settings& settings) {
  const NoiseChanges& noise = settings.batch.noise;
  if (noise.from_width <= 0 || noise.from_height <= 0) return "";
  return fmt::format("{}x{}", noise.from_width, noise.from_height);
}
void read_noise_size(const std::string& text, Settings* settings) {
  set_size("noise_from_width", "noise_from_height", text, settings);
}

std::string sampler(const Settings& settings) { return sampler_of(settings).label; }
void read_sampler(const std::string& text, Settings* settings) {
  for (const sampling::Sampler& each : sampling::samplers()) {
    if (text != each.label) continue;
    return set("sampler", each.name, settings);
  }
  set("sampler", text, settings);
}

/// The web UI names one for every sampler, the reference's have none.
std::string schedule(const Settings& settings) {
  if (sampler_of(settings).reference) return "";
  const sampling::Schedule* named = sampling::find_schedule(settings.batch.schedule);
  return named == nullptr ? "Automatic" : named->label;
}
/// A text of ours that has one means the web UI's sampler of the label, which stands before it.
void read_schedule(const std::string& text, Settings* settings) {
  const sampling::Sampler& sampler = sampler_of(*settings);
  if (sampler.reference)
    set("sampler", sampling::find_webui_sampler(sampler.label)->name, settings);
  const sampling::Schedule* named = sampling::find_schedule(text);
  set("schedule", named == nullptr ? sampling::kAutomaticSchedule : named->name, settings);
}

/// The web UI has one setting for the samplers of k-diffusion and one for DDIM's.
bool is_ancestral(const sampling::Sampler& sampler) { return sampler.usual_eta == 1; }

/// eta where it is not the usual one, in the field of its samplers.
std::string eta(const Settings& settings, bool ancestral) {
  const sampling::Sampler& sampler = sampler_of(settings);
  const std::optional<double>& chosen = settings.batch.knobs.eta;
  if (!chosen || sampler.eta == sampling::Eta::kIgnored || is_ancestral(sampler) != ancestral)
    return "";
  return *chosen == sampler.usual_eta ? "" : values::text_of(*chosen);
}
std::string ancestral_eta(const Settings& settings) { return eta(settings, true); }
std::string ddim_eta(const Settings& settings) { return eta(settings, false); }
void read_eta(const std::string& text, Settings* settings) { set("eta", text, settings); }

std::string rng(const Settings& settings) {
  switch (settings.rng) {
    case RngKind::kCuda:
    case RngKind::kNumpy:  // which the web UI does not have
      return "";
    case RngKind::kCpu:
      return "CPU";
    case RngKind::kNv:
      return "NV";
  }
  return "";
}
void read_rng(const std::string& text, Settings* settings) {
  set("rng", text == "CPU" ? "cpu" : text == "NV" ? "nv" : "cuda", settings);
}

// How prompts are read.

std::string emphasis(const Settings& settings) {
  const PromptSettings& prompts = settings.batch.prompts;
  if (prompts.syntax != PromptSyntax::kWebUi) return "";
  switch (prompts.emphasis) {
    case Emphasis::kNoNorm:
      return "No norm";
    case Emphasis::kIgnore:
      return "Ignore";
    case Emphasis::kNone:
      return "None";
    default:
      return "";
  }
}
void read_emphasis(const std::string& text, Settings* settings) {
  set("emphasis", text == "No norm" ? "no-norm" : text == "Ignore" ? "ignore" : "none", settings);
}

std::string pads(const Settings& settings, UnequalLengths how) {
  return settings.batch.prompts.unequal == how ? "True" : "";
}
std::string pads_now(const Settings& settings) { return pads(settings, UnequalLengths::kPad); }
std::string pads_as_once(const Settings& settings) {
  return pads(settings, UnequalLengths::kPadOld);
}
void read_pads_now(const std::string&, Settings* settings) {
  set("unequal_prompts", "pad", settings);
}
void read_pads_as_once(const std::string&, Settings* settings) {
  set("unequal_prompts", "pad-old", settings);
}

std::string old_editing(const Settings& settings) {
  const PromptSettings& prompts = settings.batch.prompts;
  return prompts.syntax == PromptSyntax::kWebUi && prompts.old_editing ? "True" : "";
}
void read_old_editing(const std::string&, Settings* settings) {
  set("old_editing", "true", settings);
}

// The second pass.

const HiresSettings& hires_of(const Settings& settings) { return settings.batch.hires; }

std::string hires_strength(const Settings& settings) {
  return hires_of(settings).on() ? values::text_of(hires_of(settings).strength) : "";
}
void read_strength(const std::string& text, Settings* settings) {
  set(settings->script == Script::kTxt2Img ? "hires_strength" : "strength", text, settings);
}

std::string hires_upscaler(const Settings& settings) {
  if (!hires_of(settings).on()) return "";
  for (const UpscalerLabel& each : upscaler_labels()) {
    if (each.upscaler == hires_of(settings).upscaler) return each.label;
  }
  return "";
}
void read_hires_upscaler(const std::string& text, Settings* settings) {
  for (const UpscalerLabel& each : upscaler_labels()) {
    if (text == each.label) settings->batch.hires.upscaler = each.upscaler;
  }
}

std::string hires_resize(const Settings& settings) {
  const HiresSettings& hires = hires_of(settings);
  if (hires.width == 0 && hires.height == 0) return "";
  return std::to_string(hires.width) + "x" + std::to_string(hires.height);
}
void read_hires_resize(const std::string& text, Settings* settings) {
  set_size("hires_width", "hires_height", text, settings);
}

std::string hires_sampler(const Settings& settings) {
  const std::string& name = hires_of(settings).sampler;
  return name.empty() ? "" : sampling::find_sampler(name).label;
}
void read_hires_sampler(const std::string& text, Settings* settings) {
  const sampling::Sampler* found = sampling::find_webui_sampler(text);
  if (found != nullptr) settings->batch.hires.sampler = found->name;
}

std::string hires_schedule(const Settings& settings) {
  const std::string& name = hires_of(settings).schedule;
  if (name.empty()) return "";
  const sampling::Schedule* named = sampling::find_schedule(name);
  return named == nullptr ? "Automatic" : named->label;
}
void read_hires_schedule(const std::string& text, Settings* settings) {
  const sampling::Schedule* named = sampling::find_schedule(text);
  settings->batch.hires.schedule = named == nullptr ? sampling::kAutomaticSchedule : named->name;
}

constexpr A1111Field kA1111Fields[] = {
    {"Size", size, read_size},
    {"Sampler", sampler, read_sampler},
    {"Schedule type", schedule, read_schedule},
    {"Seed resize from", noise_size, read_noise_size},
    {"RNG", rng, read_rng},
    {"Emphasis", emphasis, read_emphasis},
    {"Pad conds", pads_now, read_pads_now},
    {"Pad conds v0", pads_as_once, read_pads_as_once},
    {"Old prompt editing timelines", old_editing, read_old_editing},
    {"Eta", ancestral_eta, read_eta},
    {"Eta DDIM", ddim_eta, read_eta},
    {"Hires resize", hires_resize, read_hires_resize},
    {"Hires upscaler", hires_upscaler, read_hires_upscaler},
    {"Hires sampler", hires_sampler, read_hires_sampler},
    {"Hires schedule type", hires_schedule, read_hires_schedule},
    {"Denoising strength", hires_strength, read_strength}};

}  // namespace

std::span<const A1111Field> a1111_fields() { return kA1111Fields; }

bool a1111_tells(const Setting& setting, const Settings& settings) {
  if (setting.key == "variation_seed") return settings.batch.noise.variation_strength != 0;
  if (setting.key != "seed_delta") return true;
  const sampling::Sampler& sampler = sampler_of(settings);
  return sampler.uses_noise_seed_delta && settings.batch.knobs.eta.value_or(sampler.usual_eta) != 0;
}

}  // namespace sd::job
