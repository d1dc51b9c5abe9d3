#include "cli/command_page.h"

#include <algorithm>

#include <string_view>

#include "base/split.h"
#include "base/strings.h"
#include "cli/flags.h"
#include "cli/man_page.h"
#include "job/presets.h"
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

/// Endings of the files that a command's own flags and arguments name. One for "" is every
/// command's.
struct Endings {
  std::string_view command;
  std::string_view flag;
  std::string_view endings;
};
constexpr std::string_view kPictures = "png jpg jpeg webp", kWeights = "safetensors ckpt pt bin";
constexpr Endings kEndings[] = {{"", "settings", "toml"},
                                {"show", "FILE", kPictures},
                                {"replay", "FILE", kPictures},
                                {"watermark", "FILE", kPictures},
                                {"inspect", "FILE", "safetensors ckpt pt bin png webp"},
                                {"convert", "IN", kWeights},
                                {"tokenize", "jsonl", "txt jsonl"},
                                {"job", "out", "html"}};

void add_endings(const std::string& command, FlagPage* flag) {
  for (const Endings& each : kEndings) {
    const bool of_command = each.command.empty() || each.command == command;
    if (of_command && !flag->names.empty() && each.flag == flag->names.front()) {
      flag->endings = words_of(each.endings, ' ');
    }
  }
}

/// The parts that a flag's help begins with: {"status", "verify"} of "status, verify: as JSON".
std::vector<std::string> parts_named(const std::string& help,
                                     const std::vector<std::string>& parts) {
  const size_t colon = help.find(": ");
  if (colon == std::string::npos) return {};
  std::vector<std::string> named;
  for (std::string_view word : split(std::string_view(help).substr(0, colon), ',')) {
    if (word.starts_with(' ')) word.remove_prefix(1);
    if (std::find(parts.begin(), parts.end(), word) == parts.end()) return {};
    named.emplace_back(word);
  }
  return named;
}

/// Adds what a shell can complete beyond the table of settings.
void add_values(CommandPage* page) {
  for (FlagPage& flag : page->flags) {
    add_endings(page->name, &flag);
    if (!flag.names.empty() && flag.names.front() == "preset") {
      flag.values = job::preset_names();
      flag.names_preset = true;
    }
  }
  const std::vector<std::string> parts = page->parts();
  for (FlagPage& flag : page->flags) {
    if (!flag.positional) flag.parts = parts_named(flag.help, parts);
  }
}

/// The commands' pages are what `sd man` may be given.
void add_page_names(CommandPage* program) {
  std::vector<std::string> names = {man_name(*program)};
  for (const CommandPage& command : program->commands) names.push_back(command.name);
  for (CommandPage& command : program->commands) {
    for (FlagPage& flag : command.flags) {
      if (flag.kind == "PAGE") flag.values = names;
    }
  }
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

std::vector<std::string> CommandPage::parts() const {
  const auto is_argument = [](const FlagPage& flag) { return flag.positional; };
  const auto first = std::find_if(flags.begin(), flags.end(), is_argument);
  const auto count = std::count_if(flags.begin(), flags.end(), is_argument);
  return count < 2 ? std::vector<std::string>() : first->values;
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
  add_values(&page);
  add_page_names(&page);
  return page;
}

}  // namespace sd::cli
