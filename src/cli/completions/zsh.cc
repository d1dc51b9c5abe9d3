#include <fmt/core.h>

#include "base/strings.h"
#include "cli/completions/completions.h"
#include "job/presets.h"

namespace sd::cli {
namespace {

/// Within single quotes.
std::string zsh_quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

/// A text in a specification of _arguments.
std::string escaped(std::string text) {
  for (const char* special : {"\\", ":", "[", "]"}) {
    text = replaced(std::move(text), special, std::string("\\") + special);
  }
  return text;
}

/// ":FILE:_files", what follows the name of a flag that has a value.
std::string action_of(const FlagPage& flag) {
  if (flag.kind.empty()) return "";
  const std::string what = ":" + escaped(flag.values.empty() ? flag.kind : flag.names.front());
  if (flag.names_preset) return what + ":_sd_presets";
  if (!flag.values.empty()) return what + ":(" + join(flag.values, " ") + ")";
  if (flag.takes_folder()) return what + ":_files -/";
  // (A single word in brackets would be a qualifier of the pattern.)
  if (!flag.endings.empty()) return what + ":_files -g \"*.(" + join(flag.endings, "|") + "|)\"";
  return what + (flag.takes_file() ? ":_files" : ": ");
}

/// The specifications of a flag: its first spelling, and hidden ones for the others.
std::vector<std::string> specifications(const FlagPage& flag) {
  std::vector<std::string> all;
  std::string prefix = "*";
  for (const std::string& word : flag_words(flag)) {
    const bool has_value = !flag.kind.empty() && word.starts_with("--");
    const std::string help = prefix == "*" ? "[" + escaped(flag.help) + "]" : "";
    all.push_back(zsh_quoted(
        fmt::format("{}{}{}{}{}", prefix, word, has_value ? "=" : "", help, action_of(flag))));
    prefix = "!";
  }
  return all;
}

/// The call for the flags that go with the part, and for the command's arguments.
std::string arguments_of(const CommandPage& command, const std::string& part = "") {
  std::vector<std::string> all, words;
  for (const FlagPage& flag : command.flags) {
    if (flag.positional) {
      words.push_back(action_of(flag));
    } else if (goes_with(flag, part)) {
      for (const std::string& each : specifications(flag)) all.push_back(each);
    }
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    all.push_back(zsh_quoted((last ? "*" : std::to_string(i + 1)) + words[i]));
  }
  std::string call = "_arguments";
  for (const std::string& each : all) call += " \\\n    " + each;
  return call;
}

std::string case_of(const CommandPage& command) {
  const std::vector<std::string> parts = command.parts();
  std::string call = arguments_of(command);
  if (!parts.empty()) {
    std::string cases = "case ${words[(r)(" + join(parts, "|") + ")]} in\n";
    for (const std::string& part : parts) {
      cases += "  " + part + ")\n  " + arguments_of(command, part) + " ;;\n";
    }
    call = cases + "  *)\n  " + call + " ;;\n  esac";
  }
  return "  " + command.name + ")\n  " + call + " ;;\n";
}

/// The presets of the program and of settings files.
std::string presets_function() {
  return "_sd_presets() {\n"
         "  local -a files=(${XDG_CONFIG_HOME:-$HOME/.config}/stable-diffusion/settings.toml "
         "./sd.toml)\n"
         "  local i=${words[(i)--settings]}\n"
         "  (( i < $#words )) && files+=(${~words[i+1]})\n"
         "  files+=(${~${(M)words:#--settings=*}#--settings=})\n"
         "  compadd -- " +
         join(job::preset_names(), " ") +
         " ${(f)\"$(sed -n "
         "'s/^[[:blank:]]*\\[[[:blank:]]*preset\\.\\([A-Za-z0-9_-]*\\).*/\\1/p' "
         "$files 2>/dev/null)\"}\n}\n";
}

}  // namespace

std::string zsh_completion(const CommandPage& program) {
  std::string list, cases;
  for (const CommandPage& command : program.commands) {
    list += "    " + zsh_quoted(escaped(command.name) + ":" + command.summary) + "\n";
    cases += case_of(command);
  }
  return "#compdef sd stable-diffusion\n# Completion of sd for zsh; written by `sd completion "
         "zsh`.\n" +
         presets_function() +
         "_sd() {\n  local curcontext=$curcontext state line\n  local -a commands=(\n" + list +
         "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n" +
         "    _describe command commands\n    return\n  fi\n" +
         "  if (( CURRENT == 2 )); then\n  " + arguments_of(program) + "\n  return\n  fi\n" +
         "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n" +
         cases +
         "  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  _sd \"$@\"\nelse\n"
         "  compdef _sd sd stable-diffusion\nfi\n";
}

}  // namespace sd::cli
