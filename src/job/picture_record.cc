#include "job/picture_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/words.h"
#include "job/a1111_text.h"
#include "job/setting_values.h"
#include "job/settings.h"
#include "models/model_source.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

using nlohmann::json;

using values::whole_number;

json optional_number(const std::optional<uint64_t>& number) {
  return number ? json(*number) : json(nullptr);
}

std::optional<uint64_t> optional_number(const json& value) {
  if (value.is_null()) return std::nullopt;
  return whole_number<uint64_t>(value);
}

json to_json(const DrawRecord& draw) {
  json value = {{"offset", draw.offset},
                {"batch", draw.batch},
                {"row", draw.row},
                {"noise_rows", draw.noise_rows},
                {"code_offset", optional_number(draw.code_offset)},
                {"latent_offset", optional_number(draw.latent_offset)}};
  if (draw.latent_seed) value["latent_seed"] = *draw.latent_seed;
  if (draw.second_seed) value["second_seed"] = *draw.second_seed;
  return value;
}

/// What is in no setting.
json to_json(const SafetyOutcome& outcome) {
  json safety = {{"action", word_of(outcome.action)}, {"failure", outcome.failure}};
  if (!outcome.verdict) return safety;
  safety["flagged"] = outcome.verdict->flagged;
  safety["concept_scores"] = outcome.verdict->concept_scores;
  safety["special_scores"] = outcome.verdict->special_scores;
  safety["adjustment"] = outcome.verdict->adjustment;
  safety["bad_concepts"] = outcome.verdict->bad_concepts;
  return safety;
}

/// What was found and done; the scores are for readers.
SafetyOutcome parse_safety(const json& value) {
  SafetyOutcome outcome;
  values::read(value.at("action"), &outcome.action);
  outcome.failure = value.at("failure").get<std::string>();
  if (value.contains("flagged")) {
    outcome.verdict = SafetyVerdict{.flagged = value.at("flagged").get<bool>(),
                                    .adjustment = value.at("adjustment").get<double>(),
                                    .concept_scores = value.at("concept_scores"),
                                    .special_scores = value.at("special_scores"),
                                    .bad_concepts = {}};
    for (const json& index : value.at("bad_concepts")) {
      outcome.verdict->bad_concepts.push_back(whole_number<int>(index));
    }
  }
  return outcome;
}

std::optional<uint64_t> optional_number(const json& of, const char* key) {
  return of.contains(key) ? optional_number(of.at(key)) : std::nullopt;
}

DrawRecord parse_draw(const json& value, uint64_t seed) {
  return {.seed = seed,
          .batch = whole_number<int64_t>(value.at("batch")),
          .row = whole_number<int64_t>(value.at("row")),
          .noise_rows = whole_number<int64_t>(value.at("noise_rows")),
          .offset = whole_number<uint64_t>(value.at("offset")),
          .code_offset = optional_number(value.at("code_offset")),
          .latent_offset = optional_number(value.at("latent_offset")),
          .latent_seed = optional_number(value, "latent_seed"),
          .variation_seed = {},
          .second_seed = optional_number(value, "second_seed")};
}

bool is_recorded(const Setting& setting, Script script) {
  return *setting.about.record != '\0' && setting.known_to(script);
}

/// The settings of a record; one that is newer than the record keeps its default.
Settings parse_settings(const json& value) {
  Script script = Script::kTxt2Img;
  values::read(value.at("command"), &script);
  Settings settings(script);
  for (const Setting& setting : all_settings()) {
    if (!is_recorded(setting, script)) continue;
    const json::json_pointer place(setting.about.record);
    if (!setting.about.required && !value.contains(place)) continue;
    set_json(&settings, setting, value.at(place));
  }
  sampling::find_sampler(settings.batch.sampler);  // throws where there is none
  return settings;
}

std::vector<LoraHash> parse_hashes(const json& loras) {
  std::vector<LoraHash> hashes;
  for (const json& one : loras) hashes.push_back({one.at("sha256"), one.value("webui_hash", "")});
  return hashes;
}

void write_hashes(const std::vector<LoraHash>& hashes, json* loras) {
  for (size_t i = 0; i < hashes.size(); ++i) {
    (*loras)[i]["sha256"] = hashes[i].sha256;
    (*loras)[i]["webui_hash"] = hashes[i].webui;
  }
}

PictureRecord record_of(const json& value) {
  PictureRecord record;
  record.version = value.at("version").get<std::string>();
  record.settings = parse_settings(value);
  record.draw = parse_draw(value.at("draw"), record.settings.seed);
  if (record.starts_from_picture()) {
    record.init_sha256 = value.at("init_image").at("pixels_sha256").get<std::string>();
    if (value.contains("inpaint")) record.mask_sha256 = value.at("inpaint").value("sha256", "");
  }
  const BatchSettings& batch = record.settings.batch;
  if (!batch.loras.empty()) record.lora_hashes = parse_hashes(value.at("loras"));
  if (batch.hires.loras) record.hires_lora_hashes = parse_hashes(value.at("hires").at("loras"));
  for (const json& one : value.value("embeddings", json::array())) {
    record.embeddings.push_back({one.at("name"), one.at("sha256")});
  }
  record.model_sha256 = value.at("model").at("sha256").get<std::string>();
  record.vae_sha256 = value.at("model").value("vae_sha256", "");
  record.built_in_model = value.at("model").at("built_in").get<bool>();
  record.safety = parse_safety(value.at("safety"));
  return record;
}

}  // namespace

std::string recorded_path(const std::string& path) {
  const std::filesystem::path typed(path);
  // (JSON holds UTF-8, a name any bytes.)
  return printable(typed.is_absolute() ? typed.filename().string() : path, std::string::npos);
}

std::string recorded_name(const std::string& path) {
  std::filesystem::path typed(path);
  if (typed.filename().empty()) typed = typed.parent_path();  // "folder/"
  return printable(typed.filename().string(), std::string::npos);
}

std::string recorded_vae(const std::string& vae, std::string (*shown)(const std::string& path)) {
  const std::string path = models::vae_path(vae);
  return vae.substr(0, vae.size() - path.size()) + shown(path);
}

Settings recorded_settings(const Settings& run, const Request& request, const DrawRecord& draw) {
  Settings settings = run;
  settings.picture = request.pictures.at(static_cast<size_t>(draw.row));
  settings.picture.variation_seed = draw.variation_seed;
  settings.batch = request.batch;
  settings.seed = draw.seed;
  settings.seed_mode = request.noise.shared() ? SeedMode::kStream : SeedMode::kImage;
  const auto record_files = [](std::vector<LoraUse>* uses) {
    for (LoraUse& use : *uses) use.file = recorded_path(use.file);
  };
  record_files(&settings.batch.loras);
  if (settings.batch.hires.loras) record_files(&*settings.batch.hires.loras);
  InitSettings& init = settings.batch.init;
  if (init.image) init.file = recorded_path(init.file);
  init.mask.file = recorded_path(init.mask.file);
  init.image.reset();
  init.inpainting.reset();
  return settings;
}

std::string pixels_sha256(const Image& image) {
  return weights::sha256_of(image.rgb.data(), image.rgb.size());
}

json to_json(const PictureRecord& record) {
  json value = {{"program", "sd"},
                {"version", record.version},
                {"command", word_of(record.settings.script)},
                {"draw", to_json(record.draw)},
                {"init_image", nullptr},
                {"model", {{"sha256", record.model_sha256}, {"built_in", record.built_in_model}}},
                {"safety", to_json(record.safety)}};
  const std::vector<json> settings = json_values(record.settings);
  const std::vector<json> defaults = json_values(Settings(record.settings.script));
  for (const Setting& setting : all_settings()) {
    if (!is_recorded(setting, record.settings.script)) continue;
    if (setting.about.sparse && settings[setting.place] == defaults[setting.place]) continue;
    value[json::json_pointer(setting.about.record)] = settings[setting.place];
  }
  if (!record.vae_sha256.empty()) value["model"]["vae_sha256"] = record.vae_sha256;
  if (!record.mask_sha256.empty()) value["inpaint"]["sha256"] = record.mask_sha256;
  if (!record.lora_hashes.empty()) write_hashes(record.lora_hashes, &value["loras"]);
  if (!record.hires_lora_hashes.empty()) {
    write_hashes(record.hires_lora_hashes, &value["hires"]["loras"]);
  }
  for (const NamedHash& one : record.embeddings) {
    value["embeddings"].push_back({{"name", one.name}, {"sha256", one.hash}});
  }
  if (record.starts_from_picture()) value["init_image"]["pixels_sha256"] = record.init_sha256;
  return value;
}

PictureRecord parse_record(const std::string& text, const std::string& name) {
  try {
    const json parsed = parse_json(text, kRecordLimits);
    if (!parsed.is_object()) {
      throw Error(ErrorKind::kFile, "expected an object in JSON, found something else");
    }
    return record_of(parsed);
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kFile,
                printable(name) + ": its parameters cannot be read: " + printable(reason_of(error)),
                "they must be as this program wrote them");
  } catch (const Error& error) {
    throw Error(ErrorKind::kFile,
                printable(name) + ": its parameters cannot be read: " + error.what(),
                "they must be as this program wrote them");
  }
}

image::PngMetadata metadata_of(const PictureRecord& record) {
  image::PngMetadata metadata;
  metadata.add(image::kParametersKeyword, a1111_text(record));
  metadata.add(image::kRecordKeyword, to_json(record).dump());
  return metadata;
}

image::PngMetadata grid_metadata(const std::vector<PictureRecord>& records) {
  json pictures = json::array();
  for (const PictureRecord& record : records) pictures.push_back(to_json(record));
  image::PngMetadata metadata;
  metadata.add(image::kParametersKeyword, a1111_text(records.front()));
  metadata.add(image::kRecordKeyword, json({{"program", "sd"}, {"grid_of", pictures}}).dump());
  return metadata;
}

}  // namespace sd::job
