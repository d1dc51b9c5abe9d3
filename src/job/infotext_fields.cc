#include "job/infotext_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "base/strings.h"
#include "job/hires_plan.h"
#include "job/infotext_limits.h"
#include "job/settings.h"
#include "job/webui_pasting.h"
#include "sampling/sampler.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::ordered_json;

/// The web UI's word for a value, and ours.
struct ValueWord {
  const char* theirs;
  const char* ours;
};
constexpr ValueWord kBooleans[] = {
    {"True", "true"}, {"true", "true"}, {"False", "false"}, {"false", "false"}};
constexpr ValueWord kRandom[] = {{"GPU", "cuda"}, {"CPU", "cpu"}, {"NV", "nv"}};
constexpr ValueWord kEmphasis[] = {
    {"Original", "original"}, {"No norm", "no-norm"}, {"Ignore", "ignore"}, {"None", "none"}};
constexpr ValueWord kPad[] = {{"True", "pad"}, {"False", ""}};
constexpr ValueWord kPadOld[] = {{"True", "pad-old"}, {"true", "pad-old"}, {"False", ""}};

/// A field that a setting follows: its key, and words for its values; "" changes nothing. Those of
/// other fields are in the table of settings (About::a1111).
struct FieldRow {
  const char* field;
  const char* key;
  std::span<const ValueWord> words = {};
};
constexpr FieldRow kFields[] = {{"RNG", "rng", kRandom},
                                {"Emphasis", "emphasis", kEmphasis},
                                {"Clip skip", "clip_skip"},
                                {"Pad conds", "unequal_prompts", kPad},
                                {"Pad conds v0", "unequal_prompts", kPadOld},
                                {"Old prompt editing timelines", "old_editing", kBooleans},
                                {"Seed resize from-1", "noise_from_width"},
                                {"Seed resize from-2", "noise_from_height"},
                                {"Hires resize-1", "hires_width"},
                                {"Hires resize-2", "hires_height"},
                                {"Size-1", "drawn_width"},
                                {"Size-2", "drawn_height"},
                                {"Beta scheduler alpha", "beta_alpha"},
                                {"Beta scheduler beta", "beta_beta"},
                                {"Eta", "eta"},
                                {"Eta DDIM", "eta"}};

/// Fields that tell of the picture's maker and files, or are looked at elsewhere: Civitai's and
/// those of extensions that expand prompts and list files, too.
constexpr std::string_view kElsewhere[] = {"Prompt",
                                           "Negative prompt",
                                           "Sampler",
                                           "Schedule type",
                                           "Model",
                                           "Model hash",
                                           "VAE",
                                           "VAE hash",
                                           "Lora hashes",
                                           "Hashes",
                                           "TI hashes",
                                           "Version",
                                           "User",
                                           "Time taken",
                                           "Hires sampler",
                                           "Hires schedule type",
                                           "Batch pos",
                                           "Batch size",
                                           "Template",
                                           "Negative Template",
                                           "Init image hash",
                                           "First pass size-1",
                                           "First pass size-2",
                                           "Created Date",
                                           "Civitai metadata",
                                           "Wildcard prompt",
                                           "Wildcard negative prompt",
                                           "Hashed prompt",
                                           "Hashed negative prompt",
                                           "Resources",
                                           "Score"};

/// Fields with which a picture can be drawn only if they have this value.
constexpr ValueWord kOnly[] = {{"VAE Encoder", "Full"},
                               {"VAE Decoder", "Full"},
                               {"FP8 weight", "Disable"},
                               {"Tiling", "False"},
                               {"Noise Schedule", "Default"},
                               {"Token merging ratio", "0"},
                               {"Token merging ratio hr", "0"},
                               {"Refiner switch by sampling steps", "false"},
                               {"Hires checkpoint", "Use same checkpoint"},
                               {"Hires resize-1", "0"},
                               {"Hires resize-2", "0"},
                               {"Hires prompt", ""},
                               {"Hires negative prompt", ""},
                               {"Mask mode", "Inpaint masked"},
                               {"Masked content", "original"},
                               {"Inpaint area", "Whole picture"},
                               {"Masked area padding", "32"}};

std::string text_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// The setting of a field, and the words of its values; null: there is none.
std::pair<const Setting*, std::span<const ValueWord>> row_of(const std::string& field) {
  for (const FieldRow& row : kFields) {
    if (field == row.field) return {find_setting(row.key), row.words};
  }
  for (const Setting& setting : all_settings()) {
    if (field == setting.about.a1111) {
      return {&setting, setting.is_switch ? std::span<const ValueWord>(kBooleans)
                                          : std::span<const ValueWord>()};
    }
  }
  return {nullptr, {}};
}

/// The eta of DDIM's samplers and that of k-diffusion's have fields of their own, but in texts
/// of early versions, which do not state theirs: there "Eta" is the sampler's, whichever it is.
bool is_other_eta(const std::string& field, const ordered_json& fields, const Settings& settings) {
  const sampling::Sampler& sampler = sampling::find_sampler(settings.batch.sampler);
  const bool ddim = sampler.grid == sampling::Grid::kWebUi;
  if (field == "Eta DDIM") return !ddim;
  const bool is_of_any = !fields.contains("Version") && !fields.contains("Eta DDIM");
  return field == "Eta" && ddim && !(is_of_any && sampler.eta == sampling::Eta::kTaken);
}

/// Where a program states its version, the list names what its text names; on Civitai's own
/// pictures it alone says which adapters were used.
bool is_list_of_files(const std::string& field, const ordered_json& fields) {
  return field == "Civitai resources" && fields.contains("Version");
}

bool set_upscaler(const std::string& label, Settings* settings) {
  for (const UpscalerLabel& each : upscaler_labels()) {
    if (label != each.label) continue;
    settings->batch.hires.upscaler = each.upscaler;
    return true;
  }
  return false;
}

/// Whether a setting takes the field.
bool set_field(const std::string& field, const std::string& value, const ordered_json& fields,
               Settings* settings) {
  if (field == "Denoising strength" && settings->script == Script::kTxt2Img) {
    return try_set(settings, "hires_strength", value);
  }
  if (field == "Hires upscaler") return set_upscaler(value, settings);
  if (is_other_eta(field, fields, *settings)) return true;
  const auto [setting, words] = row_of(field);
  if (setting == nullptr) return false;
  std::string text = value;
  for (const ValueWord& word : words) {
    if (value != word.theirs) continue;
    text = word.ours;
    if (text.empty()) return true;
  }
  return try_set(settings, setting->key, text);
}

bool is_elsewhere(const std::string& field) {
  return std::find(std::begin(kElsewhere), std::end(kElsewhere), field) != std::end(kElsewhere);
}

/// Whether the field may be left out.
bool is_without_effect(const std::string& field, const std::string& value) {
  return std::any_of(std::begin(kOnly), std::end(kOnly), [&](const ValueWord& only) {
    return field == only.theirs && (value == only.ours || value == std::string(only.ours) + ".0");
  });
}

std::string shown(const std::string& field, const std::string& value) {
  return printable(field, 60) + ": " + printable(value, 60);
}

void set_sampler(const ordered_json& fields, WebUiSettings* to) {
  BatchSettings& batch = to->settings.batch;
  if (!fields.contains("Sampler")) {
    to->unsupported.emplace_back("Sampler: not in the text");
    return;
  }
  const std::string name = text_of(fields.at("Sampler"));
  const WebUiSampler found =
      webui_sampler(name, text_of(fields.at("Schedule type")), /*pastes=*/false);
  const sampling::Sampler* sampler = sampling::find_webui_sampler(found.sampler);
  batch.sampler = sampler->name;
  const sampling::Schedule* schedule = sampling::find_schedule(found.schedule);
  batch.schedule = schedule == nullptr ? sampling::kAutomaticSchedule : schedule->name;
  if (!found.known) to->unsupported.push_back(shown("Sampler", name));
  const std::string typed = text_of(fields.at("Schedule type"));
  if (typed != found.schedule && typed != "Automatic") {
    to->unsupported.push_back(shown("Schedule type", typed));
  }
}

/// The second pass's sampler and schedule, where they are others.
void set_hires_sampler(const ordered_json& fields, WebUiSettings* to) {
  HiresSettings& hires = to->settings.batch.hires;
  const std::string sampler = text_of(fields.at("Hires sampler"));
  const std::string schedule = text_of(fields.at("Hires schedule type"));
  const bool other = sampler != "Use same sampler";
  const WebUiSampler found = webui_sampler(other ? sampler : "Euler", schedule, /*pastes=*/false);
  if (other) hires.sampler = sampling::find_webui_sampler(found.sampler)->name;
  if (other && !found.known) {
    to->unsupported.push_back(shown("Hires sampler", sampler));
  }
  if (schedule == "Use same scheduler" && found.schedule == "Automatic") return;
  if (found.schedule == "Automatic" && schedule != "Automatic") {
    to->unsupported.push_back(shown("Hires schedule type", schedule));
  }
  const sampling::Schedule* chosen = sampling::find_schedule(found.schedule);
  hires.schedule = chosen == nullptr ? sampling::kAutomaticSchedule : chosen->name;
}

/// -1 asks for any seed, and does not say which it was.
bool is_random_seed(const std::string& field, const std::string& value) {
  return (field == "Seed" || field == "Variation seed") && value == "-1";
}

bool has_second_pass(const ordered_json& fields) {
  return fields.contains("Hires upscale") || text_of(fields.at("Hires resize-1")) != "0" ||
         text_of(fields.at("Hires resize-2")) != "0";
}

}  // namespace

WebUiSettings settings_of_infotext(const InfoText& text) {
  const ordered_json fields = pasted_fields(text);
  const bool starts_from_picture =
      fields.contains("Denoising strength") && !has_second_pass(fields);
  WebUiSettings to = {
      .settings = Settings(starts_from_picture ? Script::kImg2Img : Script::kTxt2Img),
      .unsupported = {}};
  Settings& settings = to.settings;
  settings.picture.prompt = text.prompt;
  settings.picture.negative_prompt = text.negative_prompt;
  settings.n_samples = settings.n_iter = 1;
  settings.seed_mode = SeedMode::kImage;
  settings.picture.scale = 7;
  settings.batch.steps = 20;
  if (const Setting* syntax = find_setting("prompt_syntax")) set_text(&settings, *syntax, "webui");
  set_sampler(fields, &to);
  if (has_second_pass(fields)) {
    set_hires_sampler(fields, &to);
    settings.batch.hires.upscaler = HiresUpscaler::kLatent;
  }
  for (const auto& [field, value] : fields.items()) {
    const std::string as_text = text_of(value);
    if (is_elsewhere(field) || is_list_of_files(field, fields)) continue;
    if (is_without_effect(field, as_text)) continue;
    if (is_random_seed(field, as_text)) {
      to.unsupported.push_back(shown(field, as_text) + " stands for a random one");
    } else if (!set_field(field, as_text, fields, &settings)) {
      to.unsupported.push_back(shown(field, as_text));
    }
  }
  limit_settings(&to);
  return to;
}

}  // namespace sd::job
