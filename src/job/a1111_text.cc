#include "job/a1111_text.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/strings.h"
#include "job/a1111_fields.h"
#include "job/a1111_inpaint.h"
#include "job/lora_text.h"
#include "job/settings.h"
#include "models/model_source.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// The web UI's fields in its order; others come after "Denoising strength".
constexpr std::string_view kOrder[] = {"Steps",
                                       "Sampler",
                                       "Schedule type",
                                       "CFG scale",
                                       "Seed",
                                       "Size",
                                       "Model hash",
                                       "Model",
                                       "VAE hash",
                                       "VAE",
                                       "Variation seed",
                                       "Variation seed strength",
                                       "Seed resize from",
                                       "Denoising strength",
                                       "Clip skip",
                                       "ENSD",
                                       "RNG"};
/// The settings' fields that are written even where they have their default.
constexpr std::string_view kAlways[] = {"Steps", "CFG scale", "Seed", "Denoising strength"};

template <class Range>
bool contains(const Range& range, std::string_view name) {
  return std::find(std::begin(range), std::end(range), name) != std::end(range);
}

/// As the web UI words our value, and back.
std::string to_a1111(const Setting& setting, const std::string& text) {
  if (!setting.is_switch) return text;
  return text == "true" ? "True" : "False";
}
std::string from_a1111(const Setting& setting, const std::string& text) {
  if (!setting.is_switch) return text;
  return text == "True" ? "true" : text == "False" ? "false" : text;
}

/// "style: 0123456789ab, light: …", each file once.
std::string lora_hashes(const PictureRecord& record) {
  std::vector<std::string> all;
  for (size_t i = 0; i < record.lora_hashes.size(); ++i) {
    const std::string& file = record.settings.batch.loras[i].file;
    std::string one = lora_name(file) + ": " + record.lora_hashes[i].webui;
    if (!contains(all, one)) all.push_back(std::move(one));
  }
  return join(all, ", ");
}

/// The prompt as the web UI shows it: with the adapters that flags named.
std::string prompt_with_loras(const PictureRecord& record) {
  std::string prompt = record.settings.picture.prompt;
  for (const LoraUse& use : record.settings.batch.loras) {
    if (!use.in_prompt) prompt += " " + webui_text(use);
  }
  return prompt;
}

Fields fields_of(const PictureRecord& record) {
  const Settings& settings = record.settings;
  Fields fields;
  for (const A1111Field& field : a1111_fields()) {
    const std::string value = field.write(settings);
    if (!value.empty()) fields.emplace_back(field.name, value);
  }
  fields.emplace_back("Model hash", record.model_sha256.substr(0, 10));
  fields.emplace_back("Model", std::filesystem::path(settings.ckpt).stem().string());
  if (!settings.vae.empty()) {
    fields.emplace_back("VAE hash", record.vae_sha256.substr(0, 10));
    fields.emplace_back("VAE",
                        std::filesystem::path(models::vae_path(settings.vae)).filename().string());
  }
  const std::vector<std::string> values = text_values(settings);
  const std::vector<std::string> defaults = text_values(Settings(settings.script));
  for (const Setting& setting : all_settings()) {
    const std::string_view name = setting.about.a1111;
    if (name.empty() || !setting.known_to(settings.script)) continue;
    const std::string& value = values[setting.place];
    if (value.empty()) continue;
    if (!contains(kAlways, name) && value == defaults[setting.place]) continue;
    if (!a1111_tells(setting, settings)) continue;
    fields.emplace_back(name, to_a1111(setting, value));
  }
  for (auto& field : inpaint_fields(settings.batch.init.mask)) fields.push_back(std::move(field));
  const auto order = [](const auto& field) {
    return std::find(std::begin(kOrder), std::end(kOrder), field.first) - std::begin(kOrder);
  };
  std::stable_sort(fields.begin(), fields.end(),
                   [&](const auto& a, const auto& b) { return order(a) < order(b); });
  if (!record.lora_hashes.empty()) fields.emplace_back("Lora hashes", lora_hashes(record));
  fields.emplace_back("Version", "sd " + record.version);
  return fields;
}

bool set_field(const std::string& name, const std::string& value, Settings* settings) {
  for (const A1111Field& field : a1111_fields()) {
    if (name != field.name) continue;
    field.read(value, settings);
    return true;
  }
  if (set_inpaint_field(name, value, &settings->batch.init.mask)) return true;
  for (const Setting& setting : all_settings()) {
    if (setting.about.a1111 != name) continue;
    set_text(settings, setting, from_a1111(setting, value));
    return true;
  }
  return false;
}

}  // namespace

std::string a1111_text(const PictureRecord& record) {
  const PictureSettings& picture = record.settings.picture;
  std::string text = prompt_with_loras(record) + "\n";
  if (!picture.negative_prompt.empty()) {
    text += "Negative prompt: " + picture.negative_prompt + "\n";
  }
  std::string separator;
  for (const auto& [name, value] : fields_of(record)) {
    text += separator + name + ": " + quoted_field(value);
    separator = ", ";
  }
  return text;
}

std::vector<std::string> apply_a1111_text(const InfoText& text, Settings* settings) {
  settings->picture.prompt = text.prompt;
  settings->picture.negative_prompt = text.negative_prompt;
  std::vector<std::string> unknown;
  for (const auto& [name, value] : text.fields) {
    try {
      if (!set_field(name, value, settings)) unknown.push_back(name);
    } catch (const Error& error) {
      throw Error(error.kind(), printable(name, 60) + ": " + error.what(), error.hint());
    }
  }
  return unknown;
}

}  // namespace sd::job
