#include "base/strings.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

// `word` is what is typed so far, `flag` the flag that it is the value of. bash cuts "--flag=value"
// into three words.
constexpr const char* kBashHead = R"(# Completion of sd for bash; written by `sd completion bash`.
_sd_values() { COMPREPLY=($(compgen -W "$1" -- "$word")); }
_sd_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    [[ -d $file || -z $1 || $file =~ \.($1)$ ]] && COMPREPLY+=("$file")
  done < <(compgen -f -- "$word")
}
_sd_folders() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\n'
  COMPREPLY=($(compgen -d -- "$word"))
}
# The presets of settings files.
_sd_own_presets() {
  local i files=("${XDG_CONFIG_HOME:-$HOME/.config}/stable-diffusion/settings.toml" ./sd.toml)
  for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do
    [[ ${COMP_WORDS[i]} == --settings ]] || continue
    [[ ${COMP_WORDS[i+1]} == = ]] && ((i++))
    files+=("${COMP_WORDS[i+1]/#\~\//$HOME/}")
  done
  sed -n 's/^[[:blank:]]*\[[[:blank:]]*preset\.\([A-Za-z0-9_-]*\).*/\1/p' "${files[@]}" 2>/dev/null
}
# The first word behind the command that is one of these: the part of the command.
_sd_part() {
  local i
  part= place=0
  for ((i = at + 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] && continue
    ((place++))
    [[ -z $part && " $1 " == *" ${COMP_WORDS[i]} "* ]] && part=${COMP_WORDS[i]}
  done
}
_sd() {
  local part= place=0 at=0
  local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} command= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]} at=$i; break; }
  done
  if [[ $word == = ]]; then
    word=
  elif [[ $flag == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$command $flag" in
)";

/// The call that completes a value; empty where only the user knows.
std::string value_call(const FlagPage& flag) {
  if (flag.names_preset) {
    return "_sd_values \"" + join(flag.values, " ") + " $(_sd_own_presets)\"";
  }
  if (!flag.values.empty()) return "_sd_values '" + join(flag.values, " ") + "'";
  if (flag.takes_folder()) return "_sd_folders";
  if (flag.takes_file()) return "_sd_files '" + join(flag.endings, "|") + "'";
  return "";
}

std::string value_cases(const CommandPage& command) {
  std::string cases;
  for (const FlagPage& flag : command.flags) {
    if (flag.positional || flag.kind.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& word : flag_words(flag)) {
      patterns.push_back("'" + command.name + " " + word + "'");
    }
    const std::string call = value_call(flag);
    cases +=
        "    " + join(patterns, "|") + ") " + (call.empty() ? "" : call + "; ") + "return ;;\n";
  }
  return cases;
}

/// The flags that go with the part, or with all parts.
std::string flag_names(const CommandPage& command, const std::string& part = "") {
  std::vector<std::string> names;
  for (const FlagPage& flag : command.flags) {
    if (!flag.positional && goes_with(flag, part)) names.push_back(flag_words(flag).front());
  }
  return join(names, " ");
}

std::string values_call(const CommandPage& command, const std::string& part) {
  return "_sd_values '" + flag_names(command, part) + "'";
}

/// What completes flags where the command has parts.
std::string flags_of_parts(const CommandPage& command) {
  std::string cases = "case $part in ";
  for (const std::string& part : command.parts()) {
    cases += part + ") " + values_call(command, part) + " ;; ";
  }
  return cases + "*) " + values_call(command, "") + " ;; esac";
}

/// What completes a word of the command that is no flag: its place says which argument it is.
std::string words_call(const CommandPage& command) {
  std::vector<std::string> calls;
  for (const FlagPage& flag : command.flags) {
    const std::string call = flag.positional ? value_call(flag) : "";
    if (flag.positional) calls.push_back(call.empty() ? ":" : call);
  }
  if (calls.size() < 2) return calls.empty() ? ":" : calls.front();
  std::string cases = "case $place in ";
  for (size_t i = 0; i + 1 < calls.size(); ++i) {
    cases += std::to_string(i) + ") " + calls[i] + " ;; ";
  }
  return cases + "*) " + calls.back() + " ;; esac";
}

std::string flags_case(const CommandPage& command) {
  const std::vector<std::string> parts = command.parts();
  return "    '" + command.name + "') _sd_part '" + join(parts, " ") +
         "'\n      if [[ $word == -* ]]; then " +
         (parts.empty() ? values_call(command, "") : flags_of_parts(command)) + "; else " +
         words_call(command) + "; fi ;;\n";
}

}  // namespace

std::string bash_completion(const CommandPage& program) {
  std::string cases, flags;
  std::vector<std::string> commands;
  for (const CommandPage& command : program.commands) {
    commands.push_back(command.name);
    cases += value_cases(command);
    flags += flags_case(command);
  }
  return kBashHead + cases + "  esac\n  case \"$command\" in\n    '') _sd_values '" +
         join(commands, " ") + " " + flag_names(program) + "' ;;\n" + flags +
         "  esac\n}\ncomplete -F _sd sd stable-diffusion\n";
}

}  // namespace sd::cli
