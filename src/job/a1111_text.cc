#include "job/a1111_text.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/strings.h"
#include "job/a1111_fields.h"
#include "job/a1111_inpaint.h"
#include "job/lora_text.h"
#include "job/settings.h"
#include "models/model_source.h"
#include "sd/error.h"

namespace sd {
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

/// A value as the web UI quotes it: JSON, where it holds a comma, colon or line break.
std::string quoted(const std::string& value) {
  if (value.find_first_of(",:\n") == std::string::npos) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
std::string unquoted(const std::string& value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
  const auto json = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  return json.is_string() ? json.get<std::string>() : value;
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
    fields.emplace_back("VAE", std::filesystem::path(vae_path(settings.vae)).filename().string());
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

bool is_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("_ -/").find(c) != std::string_view::npos;
}

/// Where the value that starts at `at` ends: at its closing quote, or before the next comma.
size_t end_of_value(const std::string& line, size_t at) {
  const size_t comma = std::min(line.find(',', at), line.size());
  if (at >= line.size() || line[at] != '"') return comma;
  for (size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i + 1 == line.size() || line[i + 1] == ',' ? i + 1 : comma;
    }
  }
  return comma;
}

/// "Name: value, Name: value" (the web UI's re_param).
Fields parse_fields(const std::string& line) {
  Fields fields;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = std::min(line.find_first_not_of(' ', at), line.size());
    size_t colon = begin;
    while (colon < line.size() && is_name(line[colon])) ++colon;
    if (colon == begin || colon == line.size() || line[colon] != ':') {
      at = std::min(line.find(',', begin), line.size()) + 1;
      continue;
    }
    const size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    const size_t end = end_of_value(line, value);
    fields.emplace_back(line.substr(begin, colon - begin),
                        unquoted(line.substr(value, end - value)));
    at = end + 1;
  }
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

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
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
    text += separator + name + ": " + quoted(value);
    separator = ", ";
  }
  return text;
}

A1111Text parse_a1111_text(const std::string& text) {
  constexpr size_t kFewest = 3;
  constexpr std::string_view kNegative = "Negative prompt:";
  A1111Text parsed;
  const std::string whole = trimmed(text);
  const size_t last = whole.rfind('\n');
  parsed.fields = parse_fields(whole.substr(last == std::string::npos ? 0 : last + 1));
  std::string prompts = last == std::string::npos ? "" : whole.substr(0, last);
  if (parsed.fields.size() < kFewest) {
    parsed.fields.clear();
    prompts = whole;
  }
  const std::string before = "\n" + prompts;
  const size_t negative = before.find("\n" + std::string(kNegative));
  parsed.prompt = trimmed(before.substr(0, negative));
  if (negative != std::string::npos) {
    parsed.negative_prompt = trimmed(before.substr(negative + 1 + kNegative.size()));
  }
  return parsed;
}

std::vector<std::string> apply_a1111_text(const A1111Text& text, Settings* settings) {
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

}  // namespace sd
