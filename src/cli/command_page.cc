#include "cli/command_page.h"

#include <algorithm>

#include "base/split.h"
#include "base/strings.h"
#include "cli/flags.h"
#include "job/settings.h"

namespace sd::cli {
namespace {

std::vector<std::string> words_of(std::string_view list, char separator) {
  const auto words = split_list(list, separator);
  return {words.begin(), words.end()};
}

/// The setting whose flag has that name; null if there is none.
const job::Setting* setting_of(const std::string& flag) {
  for (const job::Setting& setting : job::all_settings()) {
    if (!is_command_flag(setting)) continue;
    const auto names = setting.flags();
    if (std::find(names.begin(), names.end(), flag) != names.end()) return &setting;
  }
  return nullptr;
}

/// Adds what the table says of the setting.
void add_setting(const job::Setting& setting, FlagPage* flag) {
  flag->endings = words_of(setting.about.endings, ' ');
  if (flag->values.empty() && setting.about.names != nullptr) flag->values = setting.about.names();
  if (flag->help != setting.about.help) return;  // a command's own flag of that name
  flag->more = setting.about.more;
  flag->common = setting.about.common;
}

bool is_common_everywhere(const FlagPage& flag) {
  if (flag.names.empty()) return false;
  const std::string& name = flag.names.front();
  return name == "help" || name == "help-all" || name == "quiet";
}

/// The kind of a word without a flag: all of ours name files, but for prompts.
std::string kind_of_word(const std::string& name) { return name == "TEXT" ? name : "FILE"; }

FlagPage flag_page(const CLI::Option& option) {
  FlagPage flag;
  if (!option.get_snames().empty()) flag.letter = option.get_snames().front();
  flag.names = option.get_lnames();
  flag.positional = flag.names.empty() && flag.letter.empty();
  if (flag.positional) flag.names = {option.get_name(true, false)};
  const bool is_switch = option.get_expected_max() == 0 || option.get_type_size() == 0;
  if (!is_switch) flag.kind = option.get_type_name();
  flag.fallback = option.get_default_str();
  flag.group = flag.positional ? "Arguments" : option.get_group();
  flag.help = option.get_description();
  flag.values = values_in(flag.kind);
  if (flag.positional && flag.kind == "TEXT") flag.kind = kind_of_word(flag.names.front());
  if (!flag.positional && !flag.names.empty()) {
    if (const job::Setting* setting = setting_of(flag.names.front())) add_setting(*setting, &flag);
  }
  flag.common = flag.common || is_common_everywhere(flag);
  return flag;
}

}  // namespace

std::vector<std::string> values_in(const std::string& kind) {
  return kind.find('|') == std::string::npos ? std::vector<std::string>() : words_of(kind, '|');
}

bool CommandPage::is_long() const {
  const auto is_setting = [](const FlagPage& flag) {
    return flag.common && !is_common_everywhere(flag);
  };
  return std::any_of(flags.begin(), flags.end(), is_setting);
}

CommandPage page_of(const CLI::App& app) {
  CommandPage page{.name = app.get_parent() == nullptr ? "" : app.get_name(),
                   .summary = app.get_description(),
                   .examples = app.get_footer(),
                   .flags = {},
                   .commands = {}};
  for (const CLI::Option* option : app.get_options()) page.flags.push_back(flag_page(*option));
  std::stable_partition(page.flags.begin(), page.flags.end(),
                        [](const FlagPage& flag) { return flag.group != "Options"; });
  for (const CLI::App* command : app.get_subcommands({})) {
    page.commands.push_back(page_of(*command));
  }
  return page;
}

}  // namespace sd::cli
