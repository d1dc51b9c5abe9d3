#include "job/job_sheet.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "base/version.h"
#include "base/words.h"
#include "job/embedding_folder.h"
#include "job/file_hash.h"
#include "job/inpaint_image.h"
#include "job/lora_folder.h"
#include "job/picture_record.h"
#include "job/setting_values.h"
#include "job/settings.h"
#include "job/wildcards.h"
#include "models/embeddings.h"
#include "models/model_source.h"
#include "runtime/exec_policy.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr JsonLimits kSheetLimits = {.depth = 16, .values = 10'000};
constexpr size_t kMostSheetBytes = size_t{1} << 20;
constexpr const char* kFromFiles = "from_files";

json settings_json(const Settings& settings) {
  const std::vector<json> values = json_values(settings);
  json all = json::object();
  for (const Setting& setting : all_settings()) {
    if (!setting.about.local && setting.known_to(settings.script)) {
      all[setting.key] = values[setting.place];
    }
  }
  return all;
}

/// "cuda" of "cuda:1".
std::string device_kind(const std::string& device) { return device.substr(0, device.find(':')); }

/// `version`: of the program that wrote it, as far as that is known.
[[noreturn]] void refuse_sheet(const fs::path& path, const std::string& why,
                               const std::string& version = "") {
  const bool is_foreign = !version.empty() && version != program_version();
  throw Error(ErrorKind::kFile, printable(path.string()) + ": " + why,
              is_foreign ? "version " + printable(version, 40) +
                               " of the program began the job, and "
                               "this is " +
                               program_version() + ": use that one"
                         : "it must be as the first run of the job wrote it");
}

/// The settings that a sheet holds. Throws json::exception, or Error naming the setting.
Settings read_settings(const json& sheet) {
  Script script = Script::kTxt2Img;
  values::read(sheet.at("command"), &script);
  Settings settings(script);
  const json& all = sheet.at("settings");
  for (const Setting& setting : all_settings()) {
    const auto found = all.find(setting.key);
    if (setting.about.local || !setting.known_to(script) || found == all.end()) continue;
    try {
      set_json(&settings, setting, *found);
    } catch (const json::exception& error) {
      throw Error(ErrorKind::kFile, setting.key + ": " + printable(reason_of(error)));
    } catch (const Error& error) {
      throw Error(ErrorKind::kFile, setting.key + ": " + error.what());
    }
  }
  return settings;
}

/// The hashes of a model's files beside the main one.
void add_model_files(const ModelPaths& paths, json* model) {
  if (!paths.config.empty()) (*model)["config_sha256"] = FileHash(paths.config).get();
  if (!paths.vae.empty()) {
    (*model)["vae_sha256"] = FileHash(models::main_vae_file(paths.vae)).get();
  }
  for (const models::ModelFile& file : models::other_files_of(paths)) {
    (*model)["parts"][file.part] = FileHash(file.path).get();
  }
}

/// The hashes of the files that the command names beside the model and the prompts.
void add_given_files(const Settings& settings, json* sheet) {
  const InitSettings& init = settings.batch.init;
  const bool starts_from_picture = settings.script == Script::kImg2Img;
  if (starts_from_picture && !init.file.empty()) {
    (*sheet)["init_image_sha256"] = FileHash(init.file).get();
  }
  if (starts_from_picture && !init.mask.file.empty() && init.mask.file != kAlphaMask) {
    (*sheet)["mask_sha256"] = FileHash(init.mask.file).get();
  }
  const std::string words = models::find_embeddings_folder(settings.embeddings);
  const std::string embeddings = words.empty() ? "" : sha256_of_embeddings(words);
  if (!embeddings.empty()) (*sheet)["embeddings_sha256"] = embeddings;
  if (settings.expand) {
    const std::string wildcards = Wildcards(settings.wildcards).sha256();
    if (!wildcards.empty()) (*sheet)["wildcards_sha256"] = wildcards;
  }
  for (const LoraUse& use : loras_of(settings.batch.loras, "", LoraFolder(settings.lora_dir))) {
    (*sheet)["loras"].push_back(
        {{"name", recorded_name(use.file)}, {"sha256", FileHash(use.file).get()}});
  }
}

/// Whether pictures lie in the folder, of whatever job.
bool holds_pictures(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(".tar")) return true;
    const bool is_ours = name == "samples" || name == "failed";
    std::error_code unknown;  // (It may be a link that was put there for another disk.)
    if (is_ours && !fs::is_empty(at->path(), unknown) && !unknown) return true;
  }
  return false;
}

/// Pictures without the job's settings may be of any.
void refuse_to_adopt(const JobNames& names) {
  if (!holds_pictures(names.folder()) || is_written(names.sheet())) return;
  throw Error(ErrorKind::kUsage,
              printable(names.folder().string()) +
                  " has pictures, but no job.json that says which job they belong to",
              "give `job` a new or empty folder");
}

}  // namespace

json job_sheet(const Settings& settings, const ChosenModel& model, const SafetyOptions& safety,
               const PromptFile& prompts) {
  json sheet = {{"program", "sd"},
                {"version", program_version()},
                {"command", word_of(settings.script)},
                {"settings", settings_json(settings)},
                {"device",
                 {{"kind", device_kind(settings.devices.empty() ? settings.device.device
                                                                : settings.devices.front())},
                  {"kernels", word_of(settings.device.kernels)}}},
                {"model",
                 {{"name", recorded_name(model.paths.checkpoint)},
                  {"sha256", FileHash(models::main_file_of(model.paths)).get()}}},
                {"prompts",
                 {{"name", recorded_name(prompts.path())},
                  {"sha256", prompts.sha256()},
                  {"lines", prompts.lines()}}},
                {"pictures", prompts.lines() * settings.n_iter}};
  // (A line of JSON may name none.)
  if (prompts.json()) sheet["prompts"]["default"] = settings.picture.prompt;
  add_model_files(model.paths, &sheet["model"]);
  if (safety.mode != SafetyMode::kOff) {
    sheet["safety_sha256"] = FileHash(safety.checkpoint).get();
  }
  if (!settings.job.from_files.empty()) sheet[kFromFiles] = settings.job.from_files;
  add_given_files(settings, &sheet);
  return sheet;
}

json find_job_sheet(const fs::path& folder) {
  const fs::path path = folder / "job.json";
  if (!is_written(path)) return nullptr;
  std::string problem;
  const auto text = read_text_file(path, kMostSheetBytes, &problem);
  if (!text) refuse_sheet(path, problem);
  json sheet = parse_json(*text, kSheetLimits);
  bool is_sheet = sheet.is_object() && sheet.value("program", json()) == "sd";
  for (const char* part : {"settings", "device", "model", "prompts"}) {
    is_sheet = is_sheet && sheet.contains(part) && sheet[part].is_object();
  }
  if (!is_sheet) {
    refuse_sheet(path, "expected the settings of a job in JSON, found something else");
  }
  return sheet;
}

json read_job_sheet(const fs::path& folder) {
  json sheet = find_job_sheet(folder);
  if (sheet.is_null() && name_is_taken(folder / "job.json")) {
    refuse_sheet(folder / "job.json",
                 "expected the settings of a job in JSON, found an empty file");
  }
  if (sheet.is_null()) {
    throw Error(ErrorKind::kFile, printable(folder.string()) + " is not a job: it has no job.json",
                "name the folder that `job` was given");
  }
  return sheet;
}

std::vector<std::string> sheet_differences(const json& job, const json& here) {
  std::vector<std::string> differences;
  const auto of_no_account = [](const std::string& key) {
    return key.ends_with("/name") || key.starts_with(std::string("/") + kFromFiles);
  };
  const json flat_job = job.flatten(), flat_here = here.flatten();
  const auto shown = [](const json& flat, const std::string& key) {
    return flat.contains(key) ? flat[key].dump() : std::string("nothing");
  };
  json keys = flat_job;
  keys.update(flat_here);
  for (const auto& [key, ignored] : keys.items()) {
    const std::string in_job = shown(flat_job, key), now = shown(flat_here, key);
    if (in_job == now || of_no_account(key)) continue;
    const std::string name = key.starts_with("/settings/") ? key.substr(10) : key.substr(1);
    differences.push_back(printable(name) + ": " + printable(in_job, 80) + " in the job, " +
                          printable(now, 80) + " here");
  }
  return differences;
}

std::optional<SettingLayer> layer_of_job(const fs::path& folder, Script script) {
  const json sheet = find_job_sheet(folder);
  if (sheet.is_null()) return std::nullopt;
  SettingLayer layer{.origin = "job.json", .values = {}};
  try {
    for (const json& key : sheet.value(kFromFiles, json::array())) {
      const Setting* setting = find_setting(key.get<std::string>());
      if (setting == nullptr) continue;
      Settings of_job(script);
      set_json(&of_job, *setting, sheet.at("settings").at(setting->key));
      layer.values.push_back({setting, text_values(of_job)[setting->place]});
    }
  } catch (const json::exception& error) {
    refuse_sheet(folder / "job.json", printable(error.what()));
  } catch (const Error& error) {
    refuse_sheet(folder / "job.json", error.what());
  }
  return layer;
}

void join_job(const JobFolder& folder, const json& sheet) {
  refuse_to_adopt(folder.names());
  // Pictures without it would be of no job. (One that is there needs no room and no right to
  // write.)
  const bool is_there = is_written(folder.names().sheet());
  if (!is_there && folder.write(folder.names().sheet(), sheet.dump(2) + "\n")) {
    return folder.sync();
  }
  const auto differences = sheet_differences(read_job_sheet(folder.names().folder()), sheet);
  if (differences.empty()) return;
  throw Error(ErrorKind::kUsage,
              printable(folder.names().folder().string()) +
                  " belongs to another job; the differences are listed above",
              "give the command that began it, or `job` another folder", differences);
}

Settings with_device_of_job(Settings settings) {
  const json sheet = find_job_sheet(settings.job.folder);
  const runtime::HostInfo host = runtime::probe_host(settings.device);
  if (settings.device.precision == Precision::kFastest) {
    settings.device.precision = runtime::resolve(settings.device, host).chosen.precision;
    const json of_job =
        sheet.is_object() ? sheet.value(json::json_pointer("/settings/precision"), json()) : json();
    if (of_job.is_string()) values::read(of_job, &settings.device.precision);
  }
  runtime::ExecPolicy policy = runtime::resolve(settings.device, host);
  const KernelChoice* wanted = nullptr;
  if (sheet.is_object()) {
    const json kernels = sheet.value(json::json_pointer("/device/kernels"), json());
    if (kernels.is_string()) wanted = value_of<KernelChoice>(kernels.get<std::string>());
  }
  // (bfloat16 on the CPU takes no kernels by name.)
  const bool by_name = settings.device.precision != Precision::kBf16;
  const bool free_choice = settings.device.kernels == KernelChoice::kAuto && by_name;
  if (wanted != nullptr && *wanted != policy.chosen.kernels && free_choice) {
    DeviceOptions as_job = settings.device;
    as_job.kernels = *wanted;
    policy = runtime::resolve(as_job, host);
    if (policy.chosen.kernels != *wanted) {
      throw Error(
          ErrorKind::kDevice,
          std::string("the job is drawn with ") + word_of(*wanted) +
              " kernels, which this processor does not have",
          "run it only on machines that have them, or begin another job with `kernels` avx2");
    }
  }
  if (by_name) settings.device.kernels = policy.chosen.kernels;
  settings.device.device = policy.chosen.device;
  return settings;
}

JobDescription describe_job(const fs::path& folder, const json& sheet) {
  constexpr int64_t kMostPictures = 1'000'000'000'000;
  const fs::path path = folder / "job.json";
  JobDescription job;
  try {
    job.version = sheet.at("version").get<std::string>();
    job.settings = read_settings(sheet);
    const json& prompts = sheet.at("prompts");
    if (prompts.contains("default")) prompts["default"].get_to(job.settings.picture.prompt);
    job.prompts_name = prompts.at("name").get<std::string>();
    job.prompts_sha256 = prompts.at("sha256").get<std::string>();
    job.lines = values::whole_number<int64_t>(prompts.at("lines"));
    job.pictures = values::whole_number<int64_t>(sheet.at("pictures"));
  } catch (const json::exception& error) {
    refuse_sheet(path, printable(reason_of(error)), job.version);
  } catch (const Error& error) {
    refuse_sheet(path, error.what(), job.version);
  }
  if (job.lines < 1 || job.pictures < 1 || job.pictures > kMostPictures) {
    refuse_sheet(path, "expected a job of 1 to 10^12 pictures, found another number", job.version);
  }
  return job;
}

}  // namespace sd::job
