#include "base/strings.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

/// Within single quotes.
std::string quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

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
  if (!flag.values.empty()) return what + ":(" + join(flag.values, " ") + ")";
  if (flag.takes_folder()) return what + ":_files -/";
  if (!flag.endings.empty()) return what + ":_files -g \"*.(" + join(flag.endings, "|") + ")\"";
  return what + (flag.takes_file() ? ":_files" : ": ");
}

/// The specifications of a flag: its first spelling, and hidden ones for the others.
std::vector<std::string> specifications(const FlagPage& flag) {
  if (flag.positional) return {quoted("*" + action_of(flag))};
  std::vector<std::string> all;
  std::string prefix = "*";
  for (const std::string& word : flag_words(flag)) {
    const bool has_value = !flag.kind.empty() && word.starts_with("--");
    const std::string help = prefix == "*" ? "[" + escaped(flag.help) + "]" : "";
    all.push_back(quoted(prefix + word + (has_value ? "=" : "") + help + action_of(flag)));
    prefix = "!";
  }
  return all;
}

std::string arguments_of(const CommandPage& command) {
  std::string call = "_arguments";
  for (const FlagPage& flag : command.flags) {
    for (const std::string& each : specifications(flag)) call += " \\\n    " + each;
  }
  return call;
}

std::string case_of(const CommandPage& command) {
  return "  " + command.name + ")\n  " + arguments_of(command) + " ;;\n";
}

}  // namespace

std::string zsh_completion(const CommandPage& program) {
  std::string list, cases;
  for (const CommandPage& command : program.commands) {
    list += "    " + quoted(escaped(command.name) + ":" + command.summary) + "\n";
    cases += case_of(command);
  }
  return "#compdef sd stable-diffusion\n# Completion of sd for zsh; written by `sd completion "
         "zsh`.\n_sd() {\n  local curcontext=$curcontext state line\n  local -a commands=(\n" +
         list + "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n" +
         "    _describe command commands\n    return\n  fi\n" +
         "  if (( CURRENT == 2 )); then\n  " + arguments_of(program) + "\n  return\n  fi\n" +
         "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n" +
         cases +
         "  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  _sd \"$@\"\nelse\n"
         "  compdef _sd sd stable-diffusion\nfi\n";
}

}  // namespace sd::cli
