#include "cli/settings_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/environment.h"
#include "base/names.h"
#include "base/strings.h"
#include "base/words.h"
#include "cli/flags.h"
#include "cli/settings_lines.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

constexpr const char* kPresetSection = "preset";

[[noreturn]] void refuse(const std::string& where, const std::string& problem,
                         const std::string& hint) {
  throw Error(ErrorKind::kUsage, where + ": " + problem, hint);
}

/// What a setting is that a project's file may not touch; empty: it may.
std::string forbidden(const job::Setting& setting) {
  using enum job::SettingGroup;
  const job::About& about = setting.about;
  if (setting.kind == "FILE" || *about.endings != '\0') return "a file";
  if (setting.kind == "DIR") return "a folder";
  if (std::string_view(about.decides) == job::kModelFiles) return "of the model's files";
  if (about.group == kSafety) return "of the safety checker";
  if (about.group == kOutput) return "of the output";
  if (about.group == kJob) return "of jobs";
  return "";
}

std::string text_of(const SettingLine& line, const job::Setting& setting,
                    const std::string& where) {
  if (setting.repeats) return join(line.values, "\n");
  if (line.values.size() != 1 && setting.kind != "LIST") {
    refuse(where, fmt::format("expected one value, found {}", line.values.size()),
           "put a text between quotes");
  }
  std::string text = join(line.values, ",");
  const bool is_path = setting.kind == "FILE" || setting.kind == "DIR";
  const std::string home = variable("HOME");
  if (is_path && text.starts_with("~/") && !home.empty()) text.replace(0, 1, home);
  return text;
}

/// A file that is being read.
class Reader {
 public:
  Reader(std::string origin, Script script, Trust trust)
      : origin_(std::move(origin)), script_(script), trust_(trust) {
    file_.layer.origin = origin_;
  }

  void add(const SettingLine& line) {
    const std::string section = line.section.empty() ? "" : line.section.front();
    const Script* only = value_of<Script>(section);
    const bool is_preset = section == kPresetSection && line.section.size() == 2;
    if (!is_preset && (line.section.size() > 1 || (only == nullptr && !section.empty()))) {
      refuse(origin_, "no section [" + printable(join(line.section, "."), 60) + "]",
             "there are [txt2img], [img2img] and [preset.NAME]");
    }
    const job::Setting& setting = setting_of(line);
    if (!seen_.emplace(line.section, setting.place).second) {
      refuse(where_of(line), "it is set twice", "leave one of the two out");
    }
    const std::string text = text_of(line, setting, where_of(line));
    if (is_preset) return add_to_preset(line.section.back(), setting, text);
    if (only != nullptr && !setting.known_to(*only)) {
      refuse(where_of(line), section + " has no such setting", "leave it out");
    }
    if (only == nullptr) return file_.layer.values.push_back({&setting, text});
    if (*only == script_) of_script_.push_back({&setting, text});
  }

  /// What a script's own section says counts above what is for both.
  SettingsFile take() {
    file_.layer.values.insert(file_.layer.values.end(), of_script_.begin(), of_script_.end());
    return std::move(file_);
  }

 private:
  std::string where_of(const SettingLine& line) const {
    return fmt::format("{}: line {}: `{}`", origin_, line.number, printable(line.key, 60));
  }

  const job::Setting& setting_of(const SettingLine& line) const {
    const job::Setting* setting = setting_named(line.key);
    if (setting == nullptr) {
      std::vector<std::string> names;
      for (const job::Setting& each : job::all_settings()) {
        if (is_command_flag(each)) names.push_back(each.key);
      }
      const Error unknown = unknown_name("setting", line.key, names);
      refuse(fmt::format("{}: line {}", origin_, line.number), unknown.what(), unknown.hint());
    }
    const std::string what = trust_ == Trust::kProject ? forbidden(*setting) : "";
    if (!what.empty()) {
      refuse(where_of(line), "is " + what + ", which a file of the working folder may not set",
             "give it as a flag, or read the file by --settings " + origin_ +
                 "; --no-settings reads none");
    }
    return *setting;
  }

  void add_to_preset(const std::string& name, const job::Setting& setting,
                     const std::string& text) {
    if (job::find_preset(name) != nullptr) {
      refuse(origin_, "the preset " + printable(name, 60) + " comes with the program",
             "choose another name");
    }
    const auto [at, is_new] = places_.emplace(name, file_.presets.size());
    if (is_new) {
      file_.presets.push_back({.name = name, .help = "of " + origin_, .values = {}});
    }
    file_.presets[at->second].values.emplace_back(setting.key, text);
  }

  std::string origin_;
  Script script_;
  Trust trust_;
  SettingsFile file_;
  std::vector<job::LayerValue> of_script_;
  std::set<std::pair<std::vector<std::string>, size_t>> seen_;  // section and setting
  std::map<std::string, size_t> places_;                        // of presets
};

}  // namespace

const job::Setting* setting_named(const std::string& name) {
  std::string wanted = name;
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (const job::Setting& setting : job::all_settings()) {
    if (!is_command_flag(setting)) continue;
    std::vector<std::string> names = setting.flags();
    names.push_back(setting.key);
    for (std::string& each : names) {
      std::replace(each.begin(), each.end(), '-', '_');
      if (each == wanted) return &setting;
    }
  }
  return nullptr;
}

SettingsFile parse_settings(const std::string& text, const std::string& origin, Script script,
                            Trust trust) {
  Reader reader(origin, script, trust);
  for (const SettingLine& line : read_setting_lines(text, origin)) reader.add(line);
  return reader.take();
}

}  // namespace sd::cli
