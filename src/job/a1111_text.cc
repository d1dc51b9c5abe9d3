#include "job/a1111_text.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/strings.h"
#include "job/a1111_fields.h"
#include "job/a1111_inpaint.h"
#include "job/hash_list.h"
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

void add_loras(const std::vector<LoraUse>& uses, const std::vector<LoraHash>& hashes,
               std::vector<NamedHash>* all) {
  for (size_t i = 0; i < hashes.size(); ++i) {
    all->push_back({lora_name(uses[i].file), hashes[i].webui});
  }
}

/// The adapters of both passes.
std::string lora_hashes(const PictureRecord& record) {
  const BatchSettings& batch = record.settings.batch;
  std::vector<NamedHash> all;
  add_loras(batch.loras, record.lora_hashes, &all);
  if (batch.hires.loras) add_loras(*batch.hires.loras, record.hires_lora_hashes, &all);
  return write_hash_list(all);
}

/// By the first twelve digits of the file's SHA-256, as the web UI has them
/// (modules/textual_inversion/textual_inversion.py, Embedding.set_hash).
std::string embedding_hashes(const PictureRecord& record) {
  constexpr size_t kDigits = 12;
  std::vector<NamedHash> all = record.embeddings;
  for (NamedHash& one : all) one.hash.resize(std::min(one.hash.size(), kDigits));
  return write_hash_list(all);
}

/// A pass's prompt as the web UI shows it: with the adapters that flags named.
std::string with_loras(std::string prompt, const Settings& settings) {
  for (const LoraUse& use : settings.batch.loras) {
    if (!use.in_prompt) prompt.append(" ").append(webui_text(use));
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
    const bool is_prompt = setting.key == "hires_prompt";
    fields.emplace_back(name, is_prompt ? with_loras(value, settings) : to_a1111(setting, value));
  }
  for (auto& field : inpaint_fields(settings.batch.init.mask)) fields.push_back(std::move(field));
  const auto order = [](const auto& field) {
    return std::find(std::begin(kOrder), std::end(kOrder), field.first) - std::begin(kOrder);
  };
  std::stable_sort(fields.begin(), fields.end(),
                   [&](const auto& a, const auto& b) { return order(a) < order(b); });
  for (const auto& [name, hashes] :
       {std::pair{"Lora hashes", lora_hashes(record)}, {"TI hashes", embedding_hashes(record)}}) {
    if (!hashes.empty()) fields.emplace_back(name, hashes);
  }
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
  std::string text = with_loras(picture.prompt, record.settings) + "\n";
  if (!picture.negative_prompt.empty()) {
    text += "Negative prompt: " + picture.negative_prompt + "\n";
  }
  std::string separator;
  for (const auto& [name, value] : fields_of(record)) {
    text += separator + name + ": " + kept_field(value);
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
