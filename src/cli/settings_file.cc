#include "cli/settings_file.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

#include "base/environment.h"
#include "base/names.h"
#include "base/strings.h"
#include "base/words.h"
#include "cli/flags.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

constexpr const char* kPresetSection = "preset";

[[noreturn]] void refuse(const std::string& where, const std::string& problem,
                         const std::string& hint) {
  throw Error(ErrorKind::kUsage, where + ": " + problem, hint);
}

/// The line without its comment and the white space around. A text must end where it begins.
std::string bare_line(const std::string& line, const std::string& where) {
  char quote = 0;
  size_t end = 0;
  for (; end < line.size(); ++end) {
    const char c = line[end];
    if (quote == 0 && c == '#') break;
    if (quote == '"' && c == '\\') {
      refuse(where, "a backslash within \"…\"", "write the text as it is, between '…'");
    }
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
  }
  if (quote != 0) refuse(where, "a text without its closing quote", "a text is on one line");
  return CLI::detail::trim_copy(line.substr(0, end));
}

/// The file without comments, once each line is known to be one that CLI11 does not read otherwise
/// than it is meant.
std::string bare_text(const std::string& text, const std::string& origin) {
  std::istringstream lines(text);
  std::string bare;
  bool in_list = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = origin + ": line " + std::to_string(++number);
    line = bare_line(line, where);
    const size_t equals = line.find('=');
    const bool is_section = line.starts_with('[');
    if (!line.empty() && !in_list && !is_section && equals == std::string::npos) {
      refuse(where, "expected key = value, found " + printable(line, 60),
             "such as steps = 20; comments begin with #");
    }
    const std::string value =
        equals == std::string::npos ? line : CLI::detail::trim_copy(line.substr(equals + 1));
    if (in_list || (!is_section && value.starts_with('['))) in_list = !value.ends_with(']');
    bare += line + (in_list ? " " : "\n");  // CLI11 reads a list on one line
  }
  if (in_list) refuse(origin, "a list without its closing bracket", "close it with ]");
  return bare;
}

/// What a setting is that a project's file may not touch; empty: it may.
std::string forbidden(const job::Setting& setting) {
  if (setting.kind == "FILE" || *setting.about.endings != '\0') return "a file";
  if (setting.kind == "DIR") return "a folder";
  if (setting.about.group == job::SettingGroup::kSafety) return "of the safety checker";
  if (setting.about.group == job::SettingGroup::kOutput) return "of the output";
  return "";
}

std::string text_of(const CLI::ConfigItem& item, const job::Setting& setting,
                    const std::string& where) {
  if (setting.repeats) return join(item.inputs, "\n");
  if (item.inputs.size() != 1 && setting.kind != "LIST") {
    refuse(where, fmt::format("expected one value, found {}", item.inputs.size()),
           "put a text between quotes");
  }
  std::string text = join(item.inputs, ",");
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

  void add(const CLI::ConfigItem& item) {
    if (item.name == "++" || item.name == "--") return;  // where a section begins and ends
    const std::string section = item.parents.empty() ? "" : item.parents.front();
    if (section == kPresetSection && item.parents.size() == 2) {
      return add_to_preset(item, item.parents.back());
    }
    const Script* only = value_of<Script>(section);
    if (item.parents.size() > 1 || (only == nullptr && !section.empty())) {
      refuse(origin_, "no section [" + printable(join(item.parents, "."), 60) + "]",
             "there are [txt2img], [img2img] and [preset.NAME]");
    }
    const job::Setting& setting = setting_of(item);
    if (only != nullptr && !setting.known_to(*only)) {
      refuse(where_of(item), section + " has no such setting", "leave it out");
    }
    if (only != nullptr && *only != script_) return;
    file_.layer.values.push_back({&setting, text_of(item, setting, where_of(item))});
  }

  SettingsFile take() { return std::move(file_); }

 private:
  std::string where_of(const CLI::ConfigItem& item) const {
    return origin_ + ": `" + printable(item.name, 60) + "`";
  }

  const job::Setting& setting_of(const CLI::ConfigItem& item) const {
    const job::Setting* setting = setting_named(item.name);
    if (setting == nullptr) {
      std::vector<std::string> names;
      for (const job::Setting& each : job::all_settings()) {
        if (is_command_flag(each)) names.push_back(each.key);
      }
      const Error unknown = unknown_name("setting", item.name, names);
      refuse(origin_, unknown.what(), unknown.hint());
    }
    const std::string what = trust_ == Trust::kProject ? forbidden(*setting) : "";
    if (!what.empty()) {
      refuse(where_of(item), "is " + what + ", which a file of the working folder may not set",
             "give it as a flag, or read the file by --settings " + origin_ +
                 "; --no-settings reads none");
    }
    return *setting;
  }

  void add_to_preset(const CLI::ConfigItem& item, const std::string& name) {
    if (job::find_preset(name) != nullptr) {
      refuse(origin_, "the preset " + printable(name, 60) + " comes with the program",
             "choose another name");
    }
    const job::Setting& setting = setting_of(item);
    const auto same = [&](const job::Preset& preset) { return preset.name == name; };
    auto preset = std::find_if(file_.presets.begin(), file_.presets.end(), same);
    if (preset == file_.presets.end()) {
      preset = file_.presets.insert(preset, {.name = name, .help = "of " + origin_, .values = {}});
    }
    preset->values.emplace_back(setting.key, text_of(item, setting, where_of(item)));
  }

  std::string origin_;
  Script script_;
  Trust trust_;
  SettingsFile file_;
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
  std::istringstream bare(bare_text(text, origin));
  Reader reader(origin, script, trust);
  CLI::ConfigTOML reads;
  reads.comment('\0');  // they are gone, and one within a text is none
  for (const CLI::ConfigItem& item : reads.from_config(bare)) reader.add(item);
  return reader.take();
}

}  // namespace sd::cli
