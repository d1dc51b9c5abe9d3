#include "cli/settings_layers.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>

#include "base/environment.h"
#include "base/log.h"
#include "base/names.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "cli/flag_group.h"
#include "cli/flags.h"
#include "cli/settings_file.h"
#include "job/job_sheet.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProjectFile = "./sd.toml";
constexpr std::string_view kVariable = "SD_SET_";

fs::path user_file() {
  const fs::path folder = user_folder("XDG_CONFIG_HOME", ".config");
  return folder.empty() ? fs::path() : folder / "stable-diffusion" / "settings.toml";
}

std::string read_file(const fs::path& path) {
  constexpr size_t kMost = size_t{1} << 20;
  std::error_code ignored;
  if (fs::exists(path, ignored) && !is_regular(path)) {
    throw Error(ErrorKind::kFile,
                "the settings file " + printable(path.string()) + " is not a regular file",
                "--no-settings reads none");
  }
  std::string problem;
  const auto text = read_text_file(path, kMost, &problem);
  if (!text || text->size() > kMost) {
    throw Error(ErrorKind::kFile,
                "the settings file " + printable(path.string()) + ": " +
                    (text ? "larger than 1 MiB" : problem),
                "--no-settings reads none");
  }
  return *text;
}

/// "`steps`, `scale` and the preset mine": what a file sets.
std::string words_of(const SettingsFile& file) {
  std::vector<std::string> keys, presets;
  for (const job::LayerValue& value : file.layer.values) {
    keys.push_back("`" + value.setting->key + "`");
  }
  for (const job::Preset& preset : file.presets) presets.push_back(preset.name);
  const std::string words = keys.empty() ? "nothing" : join(keys, ", ");
  if (presets.empty()) return words;
  return words + " and has the preset" + (presets.size() == 1 ? " " : "s ") + join(presets, ", ");
}

job::SettingLayer environment_layer() {
  job::SettingLayer layer{.origin = "environment", .values = {}};
  std::map<size_t, std::string> names;  // by the setting's place
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kVariable) || equals == std::string_view::npos) continue;
    const std::string name(entry.substr(kVariable.size(), equals - kVariable.size()));
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const job::Setting* setting = setting_named(name);
    if (setting == nullptr) setting = setting_named(lower);
    if (setting == nullptr) {
      throw Error(ErrorKind::kUsage,
                  "environment: there is no setting for " + printable(entry.substr(0, equals), 60),
                  "sd settings lists them: SD_SET_STEPS=20 sets `steps`");
    }
    const auto [other, is_new] = names.emplace(setting->place, entry.substr(0, equals));
    if (!is_new) {
      throw Error(ErrorKind::kUsage,
                  "environment: " + printable(other->second, 60) + " and " +
                      printable(entry.substr(0, equals), 60) + " set the same thing",
                  "unset one of the two");
    }
    layer.values.push_back({setting, std::string(entry.substr(equals + 1))});
  }
  return layer;
}

/// Reads the sources one after the other.
class Sources {
 public:
  explicit Sources(Script script) : script_(script) {}

  void add_file(const fs::path& path, const std::string& origin, Trust trust) {
    SettingsFile file = parse_settings(read_file(path), origin, script_, trust);
    layers_.add(file.layer);
    const bool project = trust == Trust::kProject;
    if (project) notice(origin + " is read: it sets " + words_of(file));
    presets_.insert(project ? presets_.end() : presets_.begin(), file.presets.begin(),
                    file.presets.end());
  }

  void add(const job::SettingLayer& layer) { layers_.add(layer); }

  void add_preset(const std::string& name) {
    const job::Preset* preset = job::find_preset(name);
    const bool comes_along = preset != nullptr;
    std::vector<std::string> names = job::preset_names();
    for (const job::Preset& own : presets_) {
      names.push_back(own.name);
      if (preset == nullptr && own.name == name) preset = &own;
    }
    if (preset == nullptr) throw unknown_name("preset", name, names);
    job::SettingLayer layer{.origin = "preset " + name, .values = {}, .typed = comes_along};
    for (const auto& [key, text] : preset->values)
      layer.values.push_back({job::find_setting(key), text});
    layers_.add(layer);
  }

  job::LayeredSettings take() { return std::move(layers_); }

 private:
  Script script_;
  job::LayeredSettings layers_;
  std::vector<job::Preset> presets_;
};

/// What settings files chose when the job that is typed, or that they name, began.
std::optional<job::SettingLayer> layer_of_job(const Settings& typed,
                                              const job::LayeredSettings& layers) {
  std::string folder = typed.job.folder;
  if (folder.empty() && layers.origin(*job::find_setting("job")) != nullptr) {
    folder = layers.settings(typed.script).job.folder;
  }
  return folder.empty() ? std::nullopt : job::layer_of_job(folder, typed.script);
}

bool is_there(const fs::path& path) {
  std::error_code absent;
  return !path.empty() && fs::exists(path, absent);
}

}  // namespace

void add_layer_flags(CLI::App* command, LayerFlags* flags) {
  FlagGroup group(command, "Settings");
  group.text(
      "preset", flags->preset,
      "a named set of settings; " + join(job::preset_names(), ", ") + ", or one of a settings file",
      "NAME");
  group.text("settings", flags->file, "also read settings from this file", "FILE");
  group.flag("no-settings", flags->none, "read no settings file and no SD_SET_ variable");
}

job::LayeredSettings read_layers(const LayerFlags& flags, Script script) {
  Sources sources(script);
  const bool none = flags.none || !variable("SD_NO_SETTINGS").empty();
  if (!none) {
    const fs::path user = user_file();
    if (is_there(user)) sources.add_file(user, user.string(), Trust::kFull);
    if (is_there(kProjectFile) && flags.file.empty()) {
      sources.add_file(kProjectFile, kProjectFile, Trust::kProject);
    }
    sources.add(environment_layer());
  }
  if (!flags.file.empty()) sources.add_file(flags.file, flags.file, Trust::kFull);
  if (!flags.preset.empty()) sources.add_preset(flags.preset);
  return sources.take();
}

void put_over_layers(const LayerFlags& flags, CLI::App* command, Settings* settings) {
  job::LayeredSettings layers = read_layers(flags, settings->script);
  if (const auto of_job = layer_of_job(*settings, layers)) layers.keep_to_job(*of_job);
  job::SettingLayer typed{.origin = "command line", .values = {}, .typed = true};
  std::vector<CLI::Option*> options;
  for (const job::Setting& setting : job::all_settings()) {
    if (!is_command_flag(setting) || !setting.known_to(settings->script)) continue;
    CLI::Option* option = command->get_option("--" + setting.flags().front());
    if (option->count() == 0) continue;
    typed.values.push_back({&setting, std::nullopt});
    options.push_back(option);
  }
  layers.add(typed);
  *settings = layers.settings(settings->script);
  for (CLI::Option* option : options) option->run_callback();  // sets what was typed again
  settings->job.from_files = layers.keys_from_files();
  if (const job::Preset* preset = job::find_preset(flags.preset)) {
    job::take_adapter(*preset, settings);
    for (const std::string& words : job::words_about(*preset, *settings)) notice(words);
  }
}

}  // namespace sd::cli
