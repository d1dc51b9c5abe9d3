#include <algorithm>

#include "base/strings.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

constexpr const char* kFishHead = R"(# Completion of sd for fish; written by `sd completion fish`.
function __sd_files -a endings
  set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
  for file in $word*
    if test -d $file
      echo $file/
    else if string match -qr "\\.($endings)\$" -- $file
      echo $file
    end
  end
end
function __sd_place
  math (count (string match -v -- '-*' (commandline -opc))) - 2
end
function __sd_presets -a own
  set -l config $HOME/.config
  set -q XDG_CONFIG_HOME; and set config $XDG_CONFIG_HOME
  set -l files $config/stable-diffusion/settings.toml ./sd.toml
  set -l words (commandline -opc)
  if set -l at (contains -i -- --settings $words)
    set -a files (string replace -r '^~/' $HOME/ -- $words[(math $at + 1)])
  end
  set -a files (string match -r -g -- '^--settings=(.*)' $words)
  string split ' ' -- $own
  sed -n 's/^[[:blank:]]*\[[[:blank:]]*preset\.\([A-Za-z0-9_-]*\).*/\1/p' $files 2>/dev/null
end
complete -c sd -f
complete -c stable-diffusion -w sd
)";

std::string fish_quoted(std::string text) {
  text = replaced(std::move(text), "\\", "\\\\");
  return "'" + replaced(std::move(text), "'", "\\'") + "'";
}

/// The options of `complete` for a value; empty for a switch.
std::string value_options(const FlagPage& flag) {
  if (flag.kind.empty()) return "";
  if (flag.names_preset) return " -x -a '(__sd_presets \"" + join(flag.values, " ") + "\")'";
  if (!flag.values.empty()) return " -x -a " + fish_quoted(join(flag.values, " "));
  if (flag.takes_folder()) return " -x -a '(__fish_complete_directories)'";
  if (!flag.endings.empty()) {
    return " -x -a '(__sd_files \"" + join(flag.endings, "|") + "\")'";
  }
  return flag.takes_file() ? " -r -F" : " -x";
}

/// When the flag is completed: behind its command, and its part if one is chosen. An argument is
/// where `before` others stand before it.
std::string condition_of(const CommandPage& command, const FlagPage& flag, size_t before) {
  const std::string seen = "__fish_seen_subcommand_from ";
  const std::string condition = seen + command.name;
  if (flag.positional) {
    const auto is_argument = [](const FlagPage& each) { return each.positional; };
    const auto count = std::count_if(command.flags.begin(), command.flags.end(), is_argument);
    if (count < 2) return condition;
    const bool last = before + 1 == static_cast<size_t>(count);
    return condition + "; and test (__sd_place) " + (last ? "-ge " : "-eq ") +
           std::to_string(before);
  }
  if (flag.parts.empty()) return condition;
  return condition + "; and begin; not " + seen + join(command.parts(), " ") + "; or " + seen +
         join(flag.parts, " ") + "; end";
}

std::string line_of(const FlagPage& flag, const std::string& condition) {
  std::string line = "complete -c sd -n " + fish_quoted(condition);
  if (flag.positional) return line + value_options(flag) + "\n";
  if (!flag.letter.empty()) line += " -s " + flag.letter;
  if (!flag.names.empty()) line += " -l " + flag.names.front();
  return line + value_options(flag) + " -d " + fish_quoted(flag.help) + "\n";
}

}  // namespace

std::string fish_completion(const CommandPage& program) {
  std::string script = kFishHead;
  for (const FlagPage& flag : program.flags) script += line_of(flag, "__fish_use_subcommand");
  for (const CommandPage& command : program.commands) {
    script += "complete -c sd -n __fish_use_subcommand -a " + command.name + " -d " +
              fish_quoted(command.summary) + "\n";
    size_t arguments = 0;
    for (const FlagPage& flag : command.flags) {
      script += line_of(flag, condition_of(command, flag, arguments));
      if (flag.positional) ++arguments;
    }
  }
  return script;
}

}  // namespace sd::cli
